"""Whether the charges of one call fit, the same for every backend."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from toolgate.limits.counters import Exhausted
from toolgate.limits.windows import OpenWindow
from toolgate.policy.decision import Charge, Mark
from toolgate.policy.marks import joined

W = TypeVar("W", bound=OpenWindow)


def fit(
    charges: Sequence[Charge], now: float, windows: Mapping[str, W], renew: Callable[[Charge, float], W]
) -> dict[W, int] | Exhausted:
    """The window and the amount of each charge if all fit, else the first that does not. Takes nothing.

    `renew` gives the window of a counter that has none yet or of whose window something ended. Raises ValueError for
    a negative amount.
    """
    held: dict[W, int] = {}
    for charge in charges:
        window = windows.get(charge.key)
        if window is None or window.expires <= now:
            window = renew(charge, now)
        amount = charge.amount
        doubtful = window.full or not 0 <= amount <= charge.maximum - window.used
        if doubtful and (amount < 0 or window.refuses(charge.maximum)):
            return _refusal(charge, window)
        held[window] = amount
    if len(held) != len(charges):
        return fit(merged(charges), now, windows, renew)
    return held


def merged(charges: Sequence[Charge]) -> list[Charge]:
    """One charge for each key, in the order of their first appearance."""
    by_key: dict[str, Charge] = {}
    for charge in charges:
        first = by_key.setdefault(charge.key, charge)
        if first is not charge:
            by_key[charge.key] = _both(first, charge)
    return list(by_key.values())


def _both(first: Charge, other: Charge) -> Charge:
    """Largest amount, tightest maximum; of a mark all parts that either sets, and the fewest that refuse."""
    if isinstance(first.window, Mark):
        asking = min((each for each in (first, other) if each.maximum), key=lambda each: each.maximum, default=first)
        return replace(asking, amount=joined(first.amount, other.amount))
    tightest = other if other.maximum < first.maximum else first
    return replace(tightest, amount=max(first.amount, other.amount))


def _refusal(charge: Charge, window: OpenWindow) -> Exhausted:
    if charge.amount < 0:
        raise ValueError(f"the charge of `{charge.counter}` is negative")
    if charge.amount > charge.maximum and not isinstance(charge.window, Mark):
        return Exhausted(charge, window.used, None)
    return Exhausted(charge, window.used, math.ceil(window.fits_at(charge.amount, charge.maximum)))
