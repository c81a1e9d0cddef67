"""What is recorded in sum: floods of denials of one grant, and requests that have no grant at all."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from toolgate.audit.records import Refused, Sum


@dataclass(slots=True)
class _Bucket:
    tokens: float
    filled_at: float
    unrecorded: int = 0
    since: float = 0.0
    grant_label: str = ""
    server_id: str = ""


class Denials:
    """Says of each denial whether it gets an entry of its own, and sums up the others.

    Each pair of grant and rule may have `burst` entries at once and `rate` a second afterwards.
    """

    def __init__(self, rate: float = 10.0, burst: int = 100) -> None:
        self._rate = rate
        self._burst = burst
        self._buckets: dict[tuple[str, str], _Bucket] = {}

    def admit(self, grant_id: str, rule: str, now: float, grant_label: str = "", server_id: str = "") -> bool:
        """Whether to record this denial by itself (`now` in epoch seconds); counts it when not."""
        bucket = self._buckets.get((grant_id, rule))
        if bucket is None:
            bucket = self._buckets[grant_id, rule] = _Bucket(self._burst, now)
        bucket.tokens = min(self._burst, bucket.tokens + max(0.0, now - bucket.filled_at) * self._rate)
        bucket.filled_at = now
        if bucket.tokens >= 1:
            bucket.tokens -= 1
            return True
        if not bucket.unrecorded:
            bucket.since, bucket.grant_label, bucket.server_id = now, grant_label, server_id
        bucket.unrecorded += 1
        return False

    def sums(self, now: float) -> list[Sum]:
        """One entry for each pair with unrecorded denials since the last call; forgets pairs that are quiet."""
        entries = [self._sum(pair, bucket, now) for pair, bucket in self._buckets.items() if bucket.unrecorded]
        full = self._burst / self._rate
        self._buckets = {pair: bucket for pair, bucket in self._buckets.items() if now - bucket.filled_at < full}
        return entries

    def _sum(self, pair: tuple[str, str], bucket: _Bucket, now: float) -> Sum:
        count, bucket.unrecorded = bucket.unrecorded, 0
        return Sum(
            time=now,
            grant_id=pair[0],
            rule=pair[1],
            count=count,
            since=bucket.since,
            grant_label=bucket.grant_label,
            server_id=bucket.server_id,
        )


class Refusals:
    """Counts requests without a valid grant by reason and network; at most `rows` entries come of any number."""

    OTHERS = "others"

    def __init__(self, rows: int = 64) -> None:
        self._rows = rows
        self._counts: dict[tuple[str, str], int] = {}
        self._since = 0.0

    def note(self, reason: str, address: str, now: float) -> None:
        """Count one refusal. `reason` is one of the gateway's own words, never a client's text."""
        if not self._counts:
            self._since = now
        key = (reason, network_of(address))
        if key not in self._counts and len(self._counts) >= self._rows:
            key = (reason, self.OTHERS)
        self._counts[key] = self._counts.get(key, 0) + 1

    def rows(self, now: float) -> list[Refused]:
        """The entries since the last call; starts anew."""
        counts, self._counts = self._counts, {}
        return [
            Refused(time=now, reason=reason, addresses=addresses, count=count, since=self._since)
            for (reason, addresses), count in counts.items()
        ]


def network_of(address: str) -> str:
    """The network that counts as one source: /24 of IPv4, /64 of IPv6 (who has one address there has them all)."""
    try:
        parsed: IPv4Address | IPv6Address = ip_address(address.partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(parsed, IPv6Address):
        parsed = parsed.ipv4_mapped or parsed
    return str(ip_network((parsed, 24 if isinstance(parsed, IPv4Address) else 64), strict=False))
