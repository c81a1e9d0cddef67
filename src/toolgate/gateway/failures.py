"""Requests without a valid token: counted per network, slowed down, summed up in the journal.

A valid token is never slowed: it is looked up before anyone counts.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import Final

from toolgate.audit.summary import Refusals, network_of

ALLOWED: Final = 20
"""Failures of one network within `SPAN` seconds before the answer becomes 429."""
SPAN: Final = 10.0
_NETWORKS: Final = 4096


class Failures:
    """Bounded whatever arrives: the network that was quiet longest is forgotten first."""

    def __init__(self, refusals: Refusals) -> None:
        self._refusals = refusals
        self._recent: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def note(self, peer: str, reason: str) -> None:
        """Only for the record: a request that was refused unread, whoever sent it."""
        self._refusals.note(reason, peer, time.time())

    def count(self, peer: str, reason: str) -> int:
        """Count one failure; the seconds to wait when there were too many, else 0."""
        self.note(peer, reason)
        now, network = time.monotonic(), network_of(peer)
        since, failures = self._recent.pop(network, (now, 0))
        if now - since > SPAN:
            since, failures = now, 0
        self._recent[network] = (since, failures + 1)
        if len(self._recent) > _NETWORKS:
            self._recent.popitem(last=False)
        return max(1, int(since + SPAN - now)) if failures >= ALLOWED else 0
