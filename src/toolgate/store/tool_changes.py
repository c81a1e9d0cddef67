"""How versions of tools differ from those before them, as `--json`, the REST API and the terminal show it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from toolgate.store.definitions import Version
from toolgate.store.described import when
from toolgate.store.differences import differences, laid_out, unified


def changes(versions: Sequence[Version], *, waiting: bool) -> list[dict[str, Any]]:
    """Of each tool its versions against the one before, the newest first; only the withheld ones when `waiting`.

    What a withheld version is compared with is what is in force.
    """
    return [_change(before, after) for before, after in _pairs(versions, waiting=waiting)]


def _pairs(versions: Sequence[Version], *, waiting: bool) -> Iterator[tuple[Version | None, Version]]:
    by_name: dict[str, list[Version]] = {}
    for version in versions:
        by_name.setdefault(version.name, []).append(version)
    for seen in by_name.values():
        for place in range(len(seen) - 1, -1, -1):
            newer = seen[place]
            if newer.status == "withheld":
                yield next((version for version in seen if version.status == "current"), None), newer
            elif not waiting:
                yield (seen[place - 1] if place else None), newer


def _change(before: Version | None, after: Version) -> dict[str, Any]:
    old = None if before is None else json.loads(before.definition)
    new = json.loads(after.definition)
    older = "" if before is None else before.fingerprint[:12]
    return {
        "name": after.name,
        "status": after.status,
        "seen": when(after.first_seen),
        "before": None if before is None else before.fingerprint,
        "after": after.fingerprint,
        "category_before": None if before is None else before.category,
        "category": after.category,
        "differences": list(differences({} if old is None else old, new)),
        "text": unified("" if old is None else laid_out(old), laid_out(new), (older, after.fingerprint[:12])),
    }
