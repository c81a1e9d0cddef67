"""Which keys the journal's checkpoints may be signed with: those that are given, and those that they vouch for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from toolgate.audit.checkpoints import KeyChange, SignedLine, is_signed, public_key, public_text, read_checkpoints


class Trust:
    """The trusted keys, the given ones first. A rotation leaves two statements: each key vouches for the other.

    So one key that was published at any time verifies everything, before and after it.
    """

    def __init__(self, given: Sequence[Ed25519PublicKey], files: Iterable[Path]) -> None:
        self.keys = list(given)
        self._last = 0
        self._retired: set[str] = set()
        said = [line for file in files for line in read_checkpoints(file) if isinstance(line.statement, KeyChange)]
        known = {public_text(key) for key in given}
        while newly := [line for line in said if _named(line) not in known and self.signs(line)]:
            named = {_named(line) for line in newly} - known
            known |= named
            self.keys += filter(None, map(public_key, sorted(named)))

    def signs(self, line: SignedLine) -> bool:
        """Whether one of the keys made this line."""
        return self._signer(line) is not None

    def accepts(self, line: SignedLine) -> bool:
        """The same for a line in its place: after the statement that retires a key, that key signs nothing any more.

        To be asked of each line of a file in turn.
        """
        signer = self._signer(line)
        if signer is None or public_text(signer) in self._retired:
            return False
        if isinstance(line.statement, KeyChange) and line.statement.reason == "retires":
            self._retired.add(line.statement.public_key)
        return True

    def begin(self) -> None:
        """Another file begins: nothing in it is retired yet."""
        self._retired.clear()

    def _signer(self, line: SignedLine) -> Ed25519PublicKey | None:
        """The key of the line before is tried first: it mostly made this one, too."""
        if self.keys and is_signed(line, self.keys[self._last]):
            return self.keys[self._last]
        for place, key in enumerate(self.keys):
            if place != self._last and is_signed(line, key):
                self._last = place
                return key
        return None


def _named(line: SignedLine) -> str:
    return line.statement.public_key if isinstance(line.statement, KeyChange) else ""
