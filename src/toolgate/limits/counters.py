"""The interface of every limiter: reservations over several counters, all or none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from toolgate.errors import ToolgateError
from toolgate.policy.decision import Charge


@dataclass(slots=True, frozen=True)
class Exhausted:
    """The first charge, in the order given, that does not fit.

    `used` is in nano units and without this call. `resets_at` is in whole epoch seconds: when a call of this amount
    can fit again; None when the amount alone exceeds the maximum.
    """

    charge: Charge
    used: int
    resets_at: int | None


class CountersUnavailable(ToolgateError):
    """The counter store cannot be reached: locked beyond the patience, full, unreadable. Nothing was taken."""


class Counters(Protocol):
    """Exact counters. The store's clock decides and never runs backwards; no method takes a time.

    A reservation counts at once against its counters. It ends by `commit` (it stands), `rollback` (given back: the
    upstream certainly did not run the tool) or `settle` (becomes the actual amount, then stands). Ending an unknown or
    ended reservation does nothing, so a repeat after a crash is harmless. An id is never used for two reservations.
    Every method may raise `CountersUnavailable`; a call whose charges could not be reserved is denied.
    """

    async def peek(self, charges: Sequence[Charge]) -> Exhausted | None:
        """Whether `reserve` would refuse now; takes nothing."""
        ...

    async def reserve(self, reservation: str, charges: Sequence[Charge]) -> Exhausted | None:
        """Take every charge or none, atomically; None means taken under the id `reservation` (the decision's)."""
        ...

    async def commit(self, reservation: str) -> None:
        """Let the reservation stand as it is."""
        ...

    async def rollback(self, reservation: str) -> None:
        """Give every charge of the reservation back."""
        ...

    async def settle(self, reservation: str, actual: Mapping[str, int]) -> None:
        """Replace the reserved amount of each counter key in `actual` (nano units), also above the maximum."""
        ...

    async def close(self) -> None:
        """Write what is still pending and free the store."""
        ...
