"""The data directory: who may read it, and where things lie in it."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

from toolgate.store.errors import StoreError

OWN_FILES = ("toolgate.db", "master.key", "gateway.json")


def database_file(data: Path) -> Path:
    """Where the database of this data directory lies."""
    return data / "toolgate.db"


def prepare_directory(data: Path) -> None:
    """Make the data directory, readable by its owner alone (0700).

    An existing directory that is empty or already ours is tightened to 0700. One that holds other things is left as it
    is, and refused when others may write to it: whoever can replace the database decides every call.
    """
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        mode = stat.S_IMODE(data.stat().st_mode)
        if mode & 0o077:
            _tighten(data, mode)
    except OSError as error:
        raise StoreError(
            str(data), f"cannot be used as the data directory: {error.strerror}", "choose another with --data"
        ) from error


def _tighten(data: Path, mode: int) -> None:
    present = {entry.name for entry in os.scandir(data)}
    if not present or present.intersection(OWN_FILES):
        data.chmod(0o700)
    elif mode & 0o022:
        raise StoreError(
            str(data), "others may write to this directory", "use a directory of its own with --data, or `chmod 700` it"
        )


def private_file(path: Path) -> None:
    """Make an empty file that only its owner may read (0600), or tighten the one that is there.

    One that is there is not opened: closing any descriptor of a file gives up the locks that SQLite holds on it in this
    process, and another process then removes the log that is still in use (sqlite.org, "How To Corrupt", 2.2).
    """
    if path.is_symlink():
        raise StoreError(str(path), "is a symbolic link", "put the file itself there")
    try:
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            path.chmod(0o600)
    except OSError as error:
        raise StoreError(str(path), f"cannot be used: {error.strerror}", "check its owner") from error
