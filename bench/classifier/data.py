"""The data of the measurements: definitions, hand labels, contradicted hints; and which servers were set aside."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

Json = dict[str, Any]
HERE = Path(__file__).parent
WHOLE = frozenset({"microsoft/mcp/azure", "posthog/mcp"})
"""Set aside whatever their digest says: they carry most of the hints."""


def set_aside(server: str) -> bool:
    """Whether a server was set aside before anything was tuned: one in five, by the digest of its name."""
    name = server.lower()
    return name in WHOLE or int(hashlib.sha256(name.encode()).hexdigest(), 16) % 5 == 0


def lines(path: Path) -> Iterator[Json]:
    """The objects of a JSONL file, gzipped or not."""
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as opened:
        for line in opened:
            if line.strip():
                yield json.loads(line)


def by_server(path: Path, *, dev: bool) -> list[tuple[str, list[Json]]]:
    """The definitions server by server, with names as `tools/list` has them and without their annotations.

    With `dev` those of servers that were set aside are dropped as they are read.
    """
    kept = (line for line in lines(path) if not (dev and set_aside(line["server"])))
    return [(server, [_definition(line) for line in each]) for server, each in groupby(kept, lambda it: it["server"])]


def _definition(line: Json) -> Json:
    # The hints are what is measured against: the classifier must not see them.
    hints = line.pop("annotations", None) or {}
    return {**line, "name": line["title"], "hints": hints}


def labels(path: Path, *, sure: bool = False) -> dict[tuple[str, str], str]:
    """Categories that people gave after reading, by server and tool; with `sure` those that nobody doubted."""
    kept = (each for each in lines(path) if each.get("sure", True) or not sure)
    return {(each["server"], each.get("tool") or each["title"]): each["category"] for each in kept}


def adjudicated(*, dev: bool) -> dict[tuple[str, str], str]:
    """What tools do whose definition contradicts a hint of their author, by server and tool."""
    found = lines(HERE / "adjudicated.jsonl")
    return {
        (each["server"], each["tool"]): each["category"] for each in found if not dev or not set_aside(each["server"])
    }
