"""Lints of what speaks of answers: limits on their bytes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from toolgate.policy.agreement import every_entry
from toolgate.policy.charges import ceilings
from toolgate.policy.findings import Finding
from toolgate.policy.words import decimal


def find_unfitting_reserves(raw: dict[str, Any]) -> Iterator[Finding]:
    """Limits on `result.bytes` that refuse every call, because more is reserved than there ever is."""
    limits = [limit for entry in every_entry(raw) for limit in entry.limits()]
    tightest = ceilings(limits)
    for limit in limits:
        most = tightest[limit.scope, limit.name].maximum
        if limit.counts_bytes and isinstance(limit.cost, int) and limit.cost > most:
            cause = (
                f"each call reserves {decimal(limit.cost)} bytes, and `max` is {decimal(most)}, so no call ever fits"
            )
            yield Finding("warning", limit.pointer, "never-fits", cause, "lower `reserve`, or raise `max`")
