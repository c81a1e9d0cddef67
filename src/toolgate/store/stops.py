"""That somebody stopped a grant or a server: read from its row."""

from __future__ import annotations

from dataclasses import dataclass

from toolgate.store.database import AnyRow


@dataclass(slots=True, frozen=True)
class Stop:
    """Since when (epoch seconds), by whom, and why; the reason, which agents read, may be empty."""

    at: float
    by: str
    reason: str


def stop_of(row: AnyRow) -> Stop | None:
    """The stop of a grant's or server's row; None while it runs."""
    return None if row.stopped is None else Stop(row.stopped, row.stopped_by, row.stop_reason)
