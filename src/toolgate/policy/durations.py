"""Lengths of time as a policy writes them: `"30s"`, `"10m"`, `"2h"`, `"1d"`."""

from __future__ import annotations

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
LONGEST = 7 * 86_400


def read_duration(text: object) -> int | None:
    """Whole seconds from one second to seven days; None where the text is something else."""
    if type(text) is not str or len(text) < 2 or not (text.isascii() and text[:-1].isdigit()):
        return None
    if len(text) > 8 or text[-1] not in _SECONDS:
        return None
    seconds = int(text[:-1]) * _SECONDS[text[-1]]
    return seconds if 0 < seconds <= LONGEST else None
