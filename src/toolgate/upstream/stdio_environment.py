"""What a server's process sees of our environment: what programs need, none of the gateway's settings and secrets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_INHERITED: Final = frozenset({"HOME", "LOGNAME", "PATH", "SHELL", "TERM", "USER", "LANG"})
"""As the official SDKs hand on, and the language."""
_LOCALE: Final = "LC_"


def inherited(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that are handed on; a value that is a shell function (`() {`) is none of them."""
    return {
        name: value
        for name, value in environment.items()
        if (name in _INHERITED or name.startswith(_LOCALE)) and not value.startswith("()")
    }
