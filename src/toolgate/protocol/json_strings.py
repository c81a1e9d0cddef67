"""The strings of a JSON text where they stand, names of members too, so that one can be changed and the rest kept."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

import msgspec

from toolgate.protocol.hidden_text import NoJson

_REST: Final = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+"\s*+', re.DOTALL)
"""Of a string from behind its first quotation mark, and blanks."""

Change = Callable[[str, str], str]
"""Gets the name of the member that the string is the value of ("" for other strings), and the string."""


def rewritten(text: bytes, change: Change) -> bytes:
    """The text with every string as `change` wants it; the same object where it changes none. Raises NoJson."""
    parts, done, name = [], 0, ""
    at = text.find(b'"')
    while at >= 0:
        rest = _REST.match(text, at + 1)
        if rest is None:
            raise NoJson("holds a string that does not end")
        literal = text[at : rest.end()].rstrip()
        value = _decoded(literal)
        changed = change(name, value)
        if changed != value:
            parts += [text[done:at], msgspec.json.encode(changed)]
            done = at + len(literal)
        at = rest.end()
        named = text.startswith(b":", at)
        name = value if named else ""
        at = text.find(b'"', at)
        if named and text[rest.end() + 1 : at].strip():
            name = ""
    return b"".join((*parts, text[done:])) if parts else text


def _decoded(literal: bytes) -> str:
    try:
        return msgspec.json.decode(literal, type=str)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise NoJson(f"holds a string that cannot be read: {error}") from None
