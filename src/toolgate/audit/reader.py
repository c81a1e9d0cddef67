"""Reads the journal as it lies, also while gateways write it: whole lines, each with its position."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from toolgate.audit.segments import Segment, by_chain, segments


class Position(NamedTuple):
    """Up to where a chain was read: a byte offset in one of its segments."""

    segment: int
    offset: int


class Located(NamedTuple):
    """One whole line (with its newline), and the position just after it."""

    chain: str
    line: bytes
    after: Position


BEGINNING = Position(0, 0)


def entries(directory: Path, positions: Mapping[str, Position] | None = None) -> Iterator[Located]:
    """Every whole line after the given positions (per chain; from the beginning without one), chain by chain.

    Chains come in the order of their starts. A torn last line is left out: it appears when, and if, it becomes whole.
    """
    for chain, files in by_chain(directory).items():
        position = (positions or {}).get(chain, BEGINNING)
        for segment in files:
            if segment.number >= position.segment:
                yield from _lines(segment, position.offset if segment.number == position.segment else 0)


def _lines(segment: Segment, offset: int) -> Iterator[Located]:
    try:
        if segment.path.stat().st_size <= offset:
            return
        file = segment.path.open("rb")
    except FileNotFoundError:  # pruned since it was listed
        return
    with file:
        file.seek(offset)
        for line in file:
            if not line.endswith(b"\n"):
                return
            offset += len(line)
            yield Located(segment.chain, line, Position(segment.number, offset))


def ends(directory: Path) -> dict[str, Position]:
    """Where each chain ends now (a torn line included): what to follow from, to see only what comes."""
    return {segment.chain: Position(segment.number, segment.path.stat().st_size) for segment in segments(directory)}


def follow(
    directory: Path, positions: dict[str, Position], pause: Callable[[], object] = lambda: time.sleep(0.2)
) -> Iterator[Located]:
    """Every line after the positions, then, for ever, each new one; calls `pause` whenever there is none.

    Keeps `positions` up to date.
    """
    while True:
        idle = True
        for located in entries(directory, positions):
            positions[located.chain] = located.after
            idle = False
            yield located
        if idle:
            pause()
