"""Whether the charges of one call fit, the same for every backend."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from toolgate.limits.counters import Exhausted
from toolgate.limits.windows import OpenWindow
from toolgate.policy.decision import Charge

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
        if window.full or not 0 <= amount <= charge.maximum - window.used:
            return _refusal(charge, window)
        held[window] = amount
    if len(held) != len(charges):
        return fit(merged(charges), now, windows, renew)
    return held


def merged(charges: Sequence[Charge]) -> list[Charge]:
    """One charge for each key, in the order of their first appearance: largest amount, tightest maximum."""
    by_key: dict[str, Charge] = {}
    for charge in charges:
        first = by_key.setdefault(charge.key, charge)
        tightest = charge if charge.maximum < first.maximum else first
        by_key[charge.key] = replace(tightest, amount=max(first.amount, charge.amount))
    return list(by_key.values())


def _refusal(charge: Charge, window: OpenWindow) -> Exhausted:
    if charge.amount < 0:
        raise ValueError(f"the charge of `{charge.counter}` is negative")
    if charge.amount > charge.maximum:
        return Exhausted(charge, window.used, None)
    return Exhausted(charge, window.used, math.ceil(window.fits_at(charge.amount, charge.maximum)))
