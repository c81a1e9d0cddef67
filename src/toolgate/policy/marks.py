"""Marks: what was used, as a set of parts. An amount or maximum of a mark names its parts as bits, in nano units."""

from __future__ import annotations

from toolgate.policy.decision import NANO, Charge, Mark


def joined(one: int, other: int) -> int:
    """The parts of both, each once."""
    return (one // NANO | other // NANO) * NANO


def refuses(used: int, maximum: int) -> bool:
    """Whether all parts of `maximum` are set in `used`; none of them never refuses."""
    return maximum > 0 and joined(used, maximum) == used


class Marks:
    """Marks at one moment, at which none of them ends: for cases and trials, where no limiter keeps them."""

    def __init__(self) -> None:
        self._used: dict[str, int] = {}

    def set(self, charge: Charge) -> None:
        """Set the parts that the charge of a mark sets."""
        self._used[charge.key] = joined(self._used.get(charge.key, 0), charge.amount)

    def refuse(self, charge: Charge) -> bool:
        """Whether a call with this charge is refused; one that is of no mark never is."""
        return isinstance(charge.window, Mark) and refuses(self._used.get(charge.key, 0), charge.maximum)
