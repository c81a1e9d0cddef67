"""The files of the master key: the one in use, the one that is coming, and those that it replaced.

Beside `master.key` lie, during and after a rotation, `master.key.next` and `master.key.KEYID`. A key gets a name only
when all of it is on the disk, and each step replaces one name, so a crash leaves the state before it or the one after.
"""

from __future__ import annotations

import os
import re
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from toolgate.errors import ToolgateError

KEY_BYTES = 32
KEY_FILE = "master.key"
KEY_FILE_VARIABLE = "TOOLGATE_MASTER_KEY_FILE"

_KEPT = re.compile(r"\.[0-9a-f]{16}")


class Secrets(NamedTuple):
    """What the files hold; `coming` is None where no rotation is under way."""

    current: bytes
    coming: bytes | None
    earlier: tuple[bytes, ...]


@dataclass(slots=True, frozen=True)
class KeyFiles:
    """Every file holds 32 raw bytes and is open to its owner alone; anything else is refused."""

    path: Path
    """Of the key in use."""

    @classmethod
    def of(cls, data: Path) -> KeyFiles:
        """The file that TOOLGATE_MASTER_KEY_FILE names, else `master.key` in `data`; the others lie beside it."""
        named = os.environ.get(KEY_FILE_VARIABLE)
        return cls(Path(named) if named else data / KEY_FILE)

    @property
    def coming(self) -> Path:
        """The key of a rotation that is under way; until it is finished also when that key is in use."""
        return self.path.with_name(f"{self.path.name}.next")

    def kept(self, key_id: str) -> Path:
        """A key that was in use earlier."""
        return self.path.with_name(f"{self.path.name}.{key_id}")

    def make(self) -> None:
        """Make the first key unless there is one. A key that went missing is not replaced by another."""
        if self.path.exists():
            return
        left = [*self._earlier(), *([self.coming] if self.coming.exists() else [])]
        if left:
            cause = f"is missing, but `{left[0].name}` is there"
            raise ToolgateError(str(self.path), cause, "restore the key from its backup")
        _create(self.path)

    def read(self) -> Secrets:
        """All of them. In this order a rotation that goes on meanwhile hides none: each has its next name first."""
        coming, current = _present(self.coming), _read(self.path)
        earlier = (_present(path) for path in self._earlier())
        return Secrets(current, coming, tuple(secret for secret in earlier if secret is not None))

    def introduce(self) -> None:
        """Make the key that is coming, unless it is there."""
        if not self.coming.exists():
            _create(self.coming)

    def promote(self, old_id: str) -> None:
        """Put the coming key in use, and keep the one in use (it has this id) under its id."""
        kept, draft = self.kept(old_id), _draft(self.path)
        with _said(self.path):
            if not kept.exists():
                os.link(self.path, kept)
            os.link(self.coming, draft)
            draft.replace(self.path)
            _sync(self.path.parent)

    def finish(self) -> None:
        """Forget that a rotation was under way, with what killed ones left behind."""
        self._remove(self.coming)
        for draft in self.path.parent.glob(f".{self.path.name}.*.*"):
            self._remove(draft)

    def forget(self, key_id: str) -> None:
        """Delete an earlier key for good."""
        self._remove(self.kept(key_id))

    def _remove(self, path: Path) -> None:
        with _said(path):
            path.unlink(missing_ok=True)
            _sync(path.parent)

    def _earlier(self) -> list[Path]:
        """In the order of their ids. A directory that cannot be listed is for `read` to complain of."""
        name, directory = self.path.name, self.path.parent
        if not directory.is_dir():
            return []
        found = (entry for entry in os.listdir(directory) if entry.startswith(name))
        return [directory / entry for entry in sorted(found) if _KEPT.fullmatch(entry[len(name) :])]


@contextmanager
def _said(path: Path) -> Iterator[None]:
    """What the system refuses in the block becomes an error that names the file."""
    try:
        yield
    except OSError as error:
        cause = f"cannot be replaced: {error.strerror}"
        raise ToolgateError(str(path), cause, "make its directory writable") from error


def _draft(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")


def _create(path: Path) -> None:
    """Make a key and bring it to the disk whole: a crash leaves either no file or all of it."""
    draft = _draft(path)
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        _publish(draft, path)
        _sync(path.parent)
    except OSError as error:
        cause, mend = f"cannot be made: {error.strerror}", "make its directory writable"
        raise ToolgateError(str(path), cause, mend) from error


def _publish(draft: Path, path: Path) -> None:
    """Give the draft its name unless another process was first: then its key holds and the draft goes."""
    try:
        os.link(draft, path)
    except FileExistsError:
        return
    finally:
        draft.unlink()


def _sync(directory: Path) -> None:
    """Names are on the disk when this returns."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _present(path: Path) -> bytes | None:
    """The key in a file that may not be there, or may just be going."""
    try:
        return _read(path)
    except ToolgateError:
        if path.exists():
            raise
        return None


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            secret = file.read(KEY_BYTES + 1)
    except OSError as error:
        raise ToolgateError(str(path), f"cannot be read: {error.strerror}", "name a master key that can") from error
    if not stat.S_ISREG(mode) or stat.S_IMODE(mode) & 0o077:
        raise ToolgateError(str(path), "can be read by others than its owner", f"run `chmod 600 {path}`")
    if len(secret) != KEY_BYTES:
        raise ToolgateError(str(path), f"does not hold a key of {KEY_BYTES} bytes", "restore the key from its backup")
    return secret
