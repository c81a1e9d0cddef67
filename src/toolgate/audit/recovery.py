"""What an earlier process left behind: its chain is sealed, so that a later cut of its end is found."""

from __future__ import annotations

import os
import time
from pathlib import Path

import msgspec

from toolgate.audit.chain import Head, hash_of
from toolgate.audit.checkpoints import CheckpointFile, read_checkpoints
from toolgate.audit.segments import Segment, by_chain, last_whole_line, lock, segments, sync_data


class Link(msgspec.Struct):
    """The part of a line that makes it a link of its chain."""

    kind: str
    seq: int
    prev: str


read_link = msgspec.json.Decoder(Link).decode


def seal_ended_chains(directory: Path, checkpoints: CheckpointFile) -> list[str]:
    """Sign the end of every chain whose process died; returns their ids.

    Only chains that began with a checkpoint are sealed: a file that somebody put here does not become ours by it.
    """
    opened, ended = known_chains(checkpoints.path)
    sealed = []
    for chain, files in by_chain(directory).items():
        if chain in opened and chain not in ended and _seal(directory, files, checkpoints):
            sealed.append(chain)
    return sealed


def known_chains(path: Path) -> tuple[set[str], set[str]]:
    """The chains that began with a checkpoint, and those of them whose end is signed."""
    opened: set[str] = set()
    ended: set[str] = set()
    for line in read_checkpoints(path):
        if line.checkpoint is not None:
            opened.add(line.checkpoint.chain)
            if line.checkpoint.reason in {"closed", "sealed"}:
                ended.add(line.checkpoint.chain)
    return opened, ended


def _seal(directory: Path, files: list[Segment], checkpoints: CheckpointFile) -> bool:
    segment = files[-1]
    descriptor = os.open(segment.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        if not lock(descriptor) or _is_rotated(directory, segment):
            return False
        sync_data(descriptor)
        head = _head_of(files)
        if head is None:
            return False
        checkpoints.append("sealed", segment.chain, head, time.time())
    finally:
        os.close(descriptor)
    (directory / f"{segment.chain}.reserve").unlink(missing_ok=True)
    return True


def _is_rotated(directory: Path, segment: Segment) -> bool:
    """A living process let go of this lock because it went on in a newer segment."""
    return any(other.chain == segment.chain and other.number > segment.number for other in segments(directory))


def _head_of(files: list[Segment]) -> Head | None:
    """The newest entry of a chain; a process may have died before the first line of its last segment was whole."""
    lines = (last_line(segment.path) for segment in reversed(files))
    line = next((line for line in lines if line), b"")
    try:
        return Head(read_link(line).seq, hash_of(line))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def last_line(path: Path) -> bytes:
    """The newest whole line of a segment; empty when there is none."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        return last_whole_line(descriptor)[1]
    finally:
        os.close(descriptor)
