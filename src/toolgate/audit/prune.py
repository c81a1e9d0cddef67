"""Removes old segments; a signed checkpoint says so first, so that `verify` accepts the cut and nothing else."""

from __future__ import annotations

import os
import time
from pathlib import Path

from toolgate.audit.chain import Head, hash_of
from toolgate.audit.checkpoints import CheckpointFile
from toolgate.audit.records import read_line
from toolgate.audit.recovery import known_chains, last_line
from toolgate.audit.segments import Segment, by_chain, sync_directory


def prune(directory: Path, before: float, checkpoints: CheckpointFile) -> list[Path]:
    """Remove whole segments whose entries are all older than `before` (epoch seconds); returns their paths.

    The last segment of a chain that has not ended stays. A kill at any moment leaves a journal that verifies: segments
    declared as pruned may still be there, and the next call removes them. Raises EntryUnreadable, OSError.
    """
    _, ended = known_chains(checkpoints.path)
    removed: list[Path] = []
    for chain, files in by_chain(directory).items():
        old = _old(files if chain in ended else files[:-1], before)
        if old:
            checkpoints.append("pruned", chain, _head(old[-1]), time.time())
            removed += _remove(old)
    if removed:
        sync_directory(directory)
    return removed


def _old(files: list[Segment], before: float) -> list[Segment]:
    old: list[Segment] = []
    for segment in files:
        line = last_line(segment.path)
        if not line or read_line(line).time >= before:
            break
        old.append(segment)
    return old


def _head(segment: Segment) -> Head:
    line = last_line(segment.path)
    return Head(read_line(line).seq, hash_of(line))


def _remove(old: list[Segment]) -> list[Path]:
    for segment in old:
        os.unlink(segment.path)
    return [segment.path for segment in old]
