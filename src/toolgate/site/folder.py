"""The folder that a site is built into: a new one beside it, which takes its place when everything is written."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from toolgate.errors import ToolgateError

MARK: Final = "toolgate-site.json"
"""A file that only we write: a folder without it is not replaced."""


@contextmanager
def replacing(out: Path) -> Iterator[Path]:
    """A new folder to write into; it is put in the place of `out` when the block ends well, and removed otherwise.

    Raises ToolgateError where `out` holds something else than a site, or is a file.
    """
    check_replaceable(out)
    new, old = (out.with_name(f".{out.name}.{kind}-{os.getpid()}") for kind in ("new", "old"))
    try:
        new.mkdir(parents=True)
        yield new
        _swap(new, out, old)
    except OSError as error:
        raise ToolgateError("site", f"`{out}` can not be written: {error.strerror}", "choose another folder") from error
    finally:
        shutil.rmtree(new, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def check_replaceable(out: Path) -> None:
    """Raises ToolgateError for a folder with something in it that we did not write, and for a file."""
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise ToolgateError("site", f"`{out}` is not a folder", "name a new one, or one that was built before")
    if out.is_dir() and any(out.iterdir()) and not (out / MARK).is_file():
        cause = f"`{out}` holds something that was not built by this command"
        raise ToolgateError("site", cause, "name a new folder, or one that was built before")


def _swap(new: Path, out: Path, old: Path) -> None:
    if out.exists():
        out.rename(old)
    try:
        new.rename(out)
    except OSError:
        if old.exists():
            old.rename(out)
        raise


def size_of(folder: Path) -> tuple[int, int]:
    """How many files there are in it, and how many bytes these have."""
    files = [Path(place) / name for place, _, names in os.walk(folder) for name in names]
    return len(files), sum(file.stat().st_size for file in files)
