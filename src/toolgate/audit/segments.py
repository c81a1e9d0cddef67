"""The files of a journal: `<chain>.<number>.jsonl`, appended to and never rewritten."""

from __future__ import annotations

import errno
import fcntl
import os
import re
from pathlib import Path
from typing import NamedTuple

_NAME = re.compile(r"([0-9]{8}T[0-9]{6}Z-[0-9a-f]{12})\.([0-9]{6,})\.jsonl")


class Segment(NamedTuple):
    """One file of a chain; sorts by chain (so by time of start), then by number."""

    chain: str
    number: int
    path: Path


def segment_path(directory: Path, chain: str, number: int) -> Path:
    """Where this segment lies."""
    return directory / f"{chain}.{number:06d}.jsonl"


def segments(directory: Path) -> list[Segment]:
    """Every segment, in the order of the entries; empty where there is no journal yet."""
    if not directory.is_dir():
        return []
    names = ((entry.name, _NAME.fullmatch(entry.name)) for entry in os.scandir(directory))
    return sorted(Segment(match[1], int(match[2]), directory / name) for name, match in names if match)


def by_chain(directory: Path) -> dict[str, list[Segment]]:
    """The segments of each chain, oldest first."""
    chains: dict[str, list[Segment]] = {}
    for segment in segments(directory):
        chains.setdefault(segment.chain, []).append(segment)
    return chains


def write_whole(descriptor: int, data: bytes) -> None:
    """`write(2)` until all is written: the kernel may take less than it was given (a full disk, a signal)."""
    written = os.write(descriptor, data)
    while written < len(data):
        written += os.write(descriptor, data[written:])


def last_whole_line(descriptor: int) -> tuple[int, bytes]:
    """Where the last whole line ends (a torn write may follow), and that line; `(0, b"")` when there is none."""
    size = os.fstat(descriptor).st_size
    window = 8192
    while True:
        start = max(0, size - window)
        tail = os.pread(descriptor, size - start, start)
        end = tail.rfind(b"\n") + 1
        begin = tail.rfind(b"\n", 0, max(0, end - 1)) + 1
        if begin or not start:
            return start + end if end else 0, tail[begin:end]
        window *= 4


def lock(descriptor: int) -> bool:
    """Take the file's lock, which dies with the process; False when another process holds it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def sync_data(descriptor: int) -> None:
    """Wait until the disk has the file's bytes."""
    getattr(os, "fdatasync", os.fsync)(descriptor)


def sync_directory(directory: Path) -> None:
    """Wait until the disk has the directory's names."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class SegmentWriter:
    """Appends to the segments of one chain; holds the lock of the newest, so that others see that it lives.

    `append`, `restore` and `rotate` belong to one thread; `check` and `sync` may run in another, one at a time.
    """

    def __init__(self, directory: Path, chain: str, limit: int) -> None:
        self._directory = directory
        self._chain = chain
        self._limit = limit
        self._retired: list[int] = []
        self._torn = False
        self._unnamed = True
        self._size = 0
        self.number = 0
        self._descriptor, self._named = self._create(0)

    def _create(self, number: int) -> tuple[int, tuple[Path, os.stat_result]]:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        path = segment_path(self._directory, self._chain, number)
        descriptor = os.open(path, flags, 0o600)
        lock(descriptor)
        return descriptor, (path, os.fstat(descriptor))

    def append(self, data: bytes) -> None:
        """Write whole lines, all or none. OSError: none; a rest that could not be cut off is left to `restore`."""
        if self._torn:
            self.restore()
        if self._size + len(data) > self._limit and self._size:
            self.rotate()
        try:
            write_whole(self._descriptor, data)
        except OSError:
            self._torn = True
            self.restore()
            raise
        self._size += len(data)

    def restore(self) -> None:
        """Cut off what a failed write left behind the last whole line. Nothing may be appended before it succeeds."""
        if self._torn:
            os.ftruncate(self._descriptor, self._size)
            self._torn = False

    def rotate(self) -> None:
        """Go on in a new segment."""
        descriptor, named = self._create(self.number + 1)
        self._retired.append(self._descriptor)
        self._descriptor, self._named, self._size = descriptor, named, 0
        self._unnamed = True
        self.number += 1

    def sync(self) -> None:
        """Wait until the disk has every line appended before this call."""
        retired, self._retired = self._retired, []
        unnamed, self._unnamed = self._unnamed, False
        for descriptor in retired:
            try:
                sync_data(descriptor)
            finally:
                os.close(descriptor)
        sync_data(self._descriptor)
        if unnamed:
            sync_directory(self._directory)

    def check(self) -> None:
        """OSError when the newest segment is no longer in its place: what is written then would be lost unseen."""
        path, opened = self._named
        if not os.path.samestat(os.lstat(path), opened):
            raise FileNotFoundError(errno.ENOENT, "the segment was replaced by another file", str(path))

    def close(self) -> None:
        """Free the files and the lock, without a sync."""
        for descriptor in (*self._retired, self._descriptor):
            os.close(descriptor)
        self._retired = []
