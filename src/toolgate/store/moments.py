"""Moments as people write them: a span such as `30d`, a date, a time, or `never`."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime

from toolgate.store.errors import BadInput
from toolgate.store.names import shown

SPANS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
MAX_SPAN = 100 * 366 * 86_400
_SPAN = re.compile(r"([0-9]{1,9})([smhdw])")


def span(text: str) -> float | None:
    """The seconds of `30d`, `12h` and the like; None for what is no span, or none of at most a hundred years."""
    read = _SPAN.fullmatch(text)
    seconds = int(read[1]) * SPANS[read[2]] if read else 0
    return float(seconds) if 0 < seconds <= MAX_SPAN else None


def when(moment: float | None) -> str | None:
    """Seconds since 1970 as RFC 3339 in UTC, to the second."""
    if moment is None:
        return None
    return f"{datetime.fromtimestamp(moment, UTC).isoformat()[:19]}Z"


def to_come(place: str, text: str) -> float | None:
    """`30d`, `12h`, an ISO date or time, or `never`: seconds since 1970, or None. Raises BadInput."""
    if text == "never":
        return None
    seconds = span(text)
    return date(place, text) if seconds is None else time.time() + seconds


def gone_by(place: str, text: str) -> float:
    """`2h` ago, `30d` ago, an ISO date or time: seconds since 1970. Raises BadInput."""
    seconds = span(text)
    return date(place, text) if seconds is None else time.time() - seconds


def date(place: str, text: str) -> float:
    """Seconds since 1970 of an ISO date or time, in UTC where it names no zone. Raises BadInput."""
    try:
        read = datetime.fromisoformat(text)
        return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        mend = "write a span such as 30d or 12h, a date such as 2027-01-31, or never"
        raise BadInput(place, f"`{shown(text)}` is not a moment to come", mend) from None
