"""Reading files that a person named: whole, regular, of a bounded size, without ever waiting for another program."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from toolgate.store.errors import BadInput
from toolgate.store.names import escaped


def read_file(place: str, path: Path, limit: int) -> bytes:
    """The content of a regular file of at most `limit` bytes. Raises BadInput."""
    name = escaped(str(path))
    try:
        with open(path, "rb", opener=_open) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise BadInput(place, f"`{name}` is not a regular file", "write what it gives into a file first")
            body = file.read(limit + 1)
    except OSError as error:
        raise BadInput(place, f"`{name}` cannot be read: {error.strerror}", "check the path and its owner") from None
    except ValueError:
        raise BadInput(place, f"`{name}` is not a path", "leave out NUL and surrogates") from None
    if len(body) > limit:
        raise BadInput(place, f"`{name}` is larger than {limit} bytes", "make it smaller")
    return body


def _open(path: str, flags: int) -> int:
    """A pipe without a writer must not hold the reader, so nothing is waited for."""
    return os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)


def read_text(place: str, path: Path, limit: int) -> str:
    """The same as text in UTF-8. Raises BadInput."""
    try:
        return read_file(place, path, limit).decode("utf-8")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise BadInput(place, f"`{escaped(str(path))}` is not UTF-8 (line {line})", "save it in UTF-8") from None
