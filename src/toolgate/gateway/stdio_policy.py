"""The policy file of `toolgate run`: read whole, put in force whole, and looked at again in case it changes."""

from __future__ import annotations

import hashlib
import os
import stat
import time
from pathlib import Path
from typing import Final

from toolgate.background import complain
from toolgate.errors import ToolgateError
from toolgate.gateway.policies import InForce
from toolgate.policy.compiler import compile_policy
from toolgate.policy.document import parse
from toolgate.policy.problems import PolicyError

LIMIT: Final = 16 * 1024 * 1024
_SETTLED: Final = 2.0
"""Seconds after which the time of its last change tells the contents of a file apart on every file system."""

Look = tuple[int, int, int, int]


class BadPolicyFile(ToolgateError):
    """The file cannot be read, is no valid policy, or is not the one that was agreed upon."""


class PolicyFile:
    """One file. With `digest` (SHA-256 in hex) nothing but that content is accepted, at start and later.

    In records the policy's id is its path, and its revision the number that the digest of its content begins with
    (eight hexadecimal digits): equal content is the same revision in every process and after every restart.
    """

    def __init__(self, path: Path, digest: str = "") -> None:
        self._path = path
        self._agreed = digest.lower()
        self._seen: Look | None = None
        self._tried = ""
        self._fault = ""

    def load(self) -> InForce:
        """What the file says at the start; raises BadPolicyFile."""
        self._seen = self._look()
        return self._compiled(self._text())

    def changed(self) -> InForce | None:
        """What the file says, if that is new and good. What is bad is said once, and changes nothing."""
        try:
            look = self._look()
            if look is not None and look == self._seen:
                return None
            text = self._text()
            self._seen = look
            in_force = self._compiled(text) if _digest(text) != self._tried else None
        except BadPolicyFile as error:
            self._report(error)
            return None
        if in_force is not None:
            self._fault = ""
        return in_force

    def _report(self, error: BadPolicyFile) -> None:
        if str(error) != self._fault:
            self._fault = str(error)
            complain(f"{error}; the last good policy stays in force")

    def _look(self) -> Look | None:
        """What tells whether the file changed; None while it is too young to tell. Pipes are read only once."""
        try:
            found = os.stat(self._path)
        except OSError as error:
            raise self._unreadable(error) from None
        if stat.S_ISREG(found.st_mode) and abs(time.time() - found.st_mtime) < _SETTLED:
            return None
        return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns

    def _text(self) -> bytes:
        try:
            with self._path.open("rb") as file:
                text = file.read(LIMIT + 1)
        except OSError as error:
            raise self._unreadable(error) from None
        if len(text) > LIMIT:
            raise BadPolicyFile(str(self._path), f"is longer than {LIMIT} bytes", "name the policy file")
        return text

    def _compiled(self, text: bytes) -> InForce:
        digest = self._tried = _digest(text)
        if self._agreed and digest != self._agreed:
            raise BadPolicyFile(
                str(self._path),
                f"its SHA-256 digest is `{digest}`, not the one of --policy-digest",
                "restore the file, or have the new digest agreed upon",
            )
        try:
            policy = compile_policy(parse(text))
        except PolicyError as error:
            first, more = error.problems[0], len(error.problems) - 1
            place = f"{self._path}{'#' if first.pointer else ''}{first.pointer}"
            raise BadPolicyFile(place, first.cause + (f", and {more} more" if more else ""), first.mend) from None
        return InForce(policy, str(self._path.absolute()), int(digest[:8], 16))

    def _unreadable(self, error: OSError) -> BadPolicyFile:
        return BadPolicyFile(str(self._path), f"cannot be read: {error.strerror}", "check the path after -c")


def _digest(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()
