"""Token files: written for their owner alone, and so that no crash leaves a grant whose token nobody has.

A new token is first written into a file beside its place (`.NAME.pending`), then the grant is committed, then the file
is moved to its place. A crash before the commit leaves a pending file whose token opens nothing; the next apply
replaces it. A crash after it leaves a pending file with the grant's token; the next apply moves it to its place.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from types import TracebackType

from toolgate.configuration.files import read_file
from toolgate.keys import token_checks, token_digest
from toolgate.store.errors import BadInput, StoreError
from toolgate.store.names import escaped, shown

MAX_FILE = 1024


def holds(file: Path, digest: bytes) -> bool:
    """Whether the file holds the token with this digest."""
    return token_digest(_content(file)) == digest


def pending(file: Path) -> Path:
    """Where the token lies until its grant is committed."""
    return file.with_name(f".{file.name}.pending")


def check_place(file: Path) -> None:
    """Raise BadInput where no token may be written: in no directory, over a link, over what is no token."""
    _check_directory(file.parent)
    if os.path.islink(file):
        raise BadInput("", f"`{escaped(str(file))}` is a link", "name the file itself")
    if not file.name or (os.path.exists(file) and not _replaceable(file)):
        cause = f"`{escaped(str(file))}` holds something else than a token"
        raise BadInput("", cause, "name a file of its own for the token, or move that one away")


def _check_directory(directory: Path) -> None:
    try:
        mode = directory.stat().st_mode
    except (OSError, ValueError) as error:
        cause = error.strerror if isinstance(error, OSError) else "not a path"
        raise BadInput("", f"`{shown(str(directory))}` cannot be used: {cause}", "make this directory first") from None
    if not stat.S_ISDIR(mode):
        raise BadInput("", f"`{shown(str(directory))}` is not a directory", "check the path")
    if mode & (stat.S_IWGRP | stat.S_IWOTH) and not mode & stat.S_ISVTX:
        cause = f"others may exchange files in `{shown(str(directory))}`"
        raise BadInput("", cause, "use a directory that you alone may write to, or `chmod go-w` it")


def _replaceable(file: Path) -> bool:
    """Ours, and a token or empty: what an earlier apply, or a person who made room for it, left there."""
    if not file.is_file() or file.lstat().st_uid != os.geteuid():
        return False
    content = _content(file)
    return token_checks(content) or file.stat().st_size == 0


def _content(file: Path) -> str:
    try:
        return read_file("", file, MAX_FILE).decode("ascii").strip()
    except (BadInput, UnicodeDecodeError):
        return ""


class Deliveries:
    """The token files of one apply. Used as a context: what was not delivered when it ends is taken back."""

    def __init__(self) -> None:
        self._written: list[Path] = []
        self._due: list[Path] = []

    def __enter__(self) -> Deliveries:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for file in self._written:
            pending(file).unlink(missing_ok=True)

    def write(self, file: Path, token: str) -> None:
        """Write a token beside its place, forced to the disk. Raises StoreError; call it before the commit."""
        draft = pending(file)
        try:
            if draft.is_file() and not draft.is_symlink() and draft.stat().st_uid == os.geteuid():
                draft.unlink()
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            self._written.append(file)
            with open(descriptor, "w", encoding="ascii") as opened:
                opened.write(f"{token}\n")
                opened.flush()
                os.fsync(opened.fileno())
        except OSError as error:
            cause = f"the token cannot be written: {error.strerror}"
            raise StoreError(str(draft), cause, "check who may write there; nothing was changed") from None
        self._due.append(file)

    def complete(self, file: Path) -> None:
        """Remember a pending file that an interrupted apply left behind, after its commit."""
        self._due.append(file)

    def deliver(self) -> None:
        """Move every token to its place; call it after the commit. Raises StoreError, which says where the token is."""
        self._written.clear()
        for file in self._due:
            try:
                os.replace(pending(file), file)
                _sync(file.parent)
            except OSError as error:
                cause = f"the token could not be moved here: {error.strerror}"
                raise StoreError(str(file), cause, f"the grant is made, its token is in {pending(file)}") from None
        self._due.clear()


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
