"""The hash chain: each line names its number and the SHA-256 of the line before."""

from __future__ import annotations

import secrets
import time
from hashlib import sha256
from typing import NamedTuple

from toolgate.audit.records import Entry, line_of

ORIGIN = "0" * 64
"""What the first entry of a chain names as the hash before it."""


class Head(NamedTuple):
    """The newest entry of a chain: its number (-1 before the first) and the hash of its line, in hex."""

    seq: int
    hash: str


def hash_of(line: bytes) -> str:
    """The hash by which the next line names this one: SHA-256 over its bytes, newline included."""
    return sha256(line).hexdigest()


def new_chain_id(now: float) -> str:
    """Sorts by time of start: the second, then the microsecond in hex; the random end keeps processes apart."""
    second, micros = divmod(int(now * 1_000_000), 1_000_000)
    return f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime(second))}-{micros:05x}{secrets.randbits(28):07x}"


class Chain:
    """Links entries, one after the other."""

    __slots__ = ("_hash", "_next", "id", "node")

    def __init__(self, chain_id: str, node: str) -> None:
        self.id = chain_id
        self.node = node
        self._next = 0
        self._hash = ORIGIN

    @property
    def head(self) -> Head:
        """The newest entry."""
        return Head(self._next - 1, self._hash)

    def link(self, entry: Entry) -> bytes:
        """The line of this entry as the next of the chain; fills its `seq`, `prev` and `node`."""
        entry.seq = self._next
        entry.prev = self._hash
        entry.node = self.node
        line = line_of(entry)
        self._hash = sha256(line).hexdigest()
        self._next += 1
        return line

    def mark(self) -> tuple[int, str]:
        """Where the chain is now, for `rewind`."""
        return self._next, self._hash

    def rewind(self, mark: tuple[int, str]) -> None:
        """Forget what was linked after the mark: it could not be written."""
        self._next, self._hash = mark
