"""How often something may be tried: buckets that fill again with time, in bounded memory."""

from __future__ import annotations

import ipaddress
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

_AT_MOST: Final = 20_000


@dataclass(slots=True, frozen=True)
class Rate:
    """So many tries at once, and one more every so many seconds."""

    burst: int
    every: float


@dataclass(slots=True)
class _Bucket:
    """`spent` tries as of `at`; it dries with time."""

    rate: Rate
    spent: float
    at: float

    def dry(self, now: float) -> None:
        self.spent = max(0.0, self.spent - (now - self.at) / self.rate.every)
        self.at = now

    @property
    def wait(self) -> float:
        return max(0.0, (self.spent + 1 - self.rate.burst) * self.rate.every)


class Throttle:
    """Buckets by key. The ones that were not tried for longest make room when there are too many."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, at_most: int = _AT_MOST) -> None:
        self._clock = clock
        self._at_most = at_most
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, tries: Sequence[tuple[str, Rate]]) -> int:
        """Take one try from every bucket, or from none: then the whole seconds until there is one in each, else 0."""
        now = self._clock()
        buckets = [self._bucket(key, rate, now) for key, rate in tries]
        wait = max(bucket.wait for bucket in buckets)
        if wait > 0:
            return math.ceil(round(wait, 3))
        for bucket in buckets:
            bucket.spent += 1
        return 0

    def give_back(self, keys: Sequence[str]) -> None:
        """The try was a good one: it does not count."""
        for key in keys:
            bucket = self._buckets.get(key)
            if bucket is not None:
                bucket.spent = max(0.0, bucket.spent - 1)

    def __len__(self) -> int:
        return len(self._buckets)

    def _bucket(self, key: str, rate: Rate, now: float) -> _Bucket:
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = _Bucket(rate, 0.0, now)
            while len(self._buckets) > self._at_most:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(key)
        bucket.dry(now)
        return bucket


def network_of(address: str) -> str:
    """What one stranger has of addresses: one of version 4, a network of 2**64 of version 6."""
    try:
        read = ipaddress.ip_address(address)
    except ValueError:
        return address
    if read.version == 4:
        return address
    return str(ipaddress.ip_network(f"{address.partition('%')[0]}/64", strict=False))
