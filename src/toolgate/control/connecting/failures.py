"""What goes wrong between this installation, a server and its authorization server, in words for an administrator."""

from __future__ import annotations

from typing import Final

from toolgate.errors import ToolgateError
from toolgate.store.names import escaped

_SHOWN: Final = 200


class ConnectingError(ToolgateError):
    """A connection cannot be made, or not renewed for now; trying again later may help."""


class Refused(ConnectingError):
    """The authorization server said no: only a person can mend that. `code` is its OAuth error code."""

    def __init__(self, place: str, cause: str, mend: str = "", code: str = "") -> None:
        super().__init__(place, cause, mend)
        self.code = code


def quoted(text: str) -> str:
    """Words of a stranger: cut, and with everything that does not print escaped."""
    return escaped(text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}...")
