"""The HTTP headers that a message needs which came without any: made from its body, as a client would make them."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import Final

from toolgate.protocol.headers import NAME_KEYS
from toolgate.protocol.messages import Message
from toolgate.protocol.param_headers import declared, value_at
from toolgate.protocol.revisions import REVISIONS, VERSION_KEY
from toolgate.upstream.interface import Header

_ASKING: Final = (
    (b"content-type", b"application/json"),
    (b"accept", b"application/json, text/event-stream"),
)
_PLAIN: Final = re.compile(r"[!-~]([ -~]*[!-~])?")
_ENCODED: Final = re.compile(r"=\?base64\?.*\?=")


@dataclass(slots=True)
class Session:
    """What a handshake agreed: the server's session id, and the revision. Both empty before it and in later eras."""

    id: bytes = b""
    revision: str = ""

    def headers(self) -> tuple[Header, ...]:
        """What every request of the session carries."""
        told: list[Header] = []
        if self.id:
            told.append((b"mcp-session-id", self.id))
        revision = REVISIONS.get(self.revision)
        if revision is not None and revision.version_header:
            told.append((b"mcp-protocol-version", self.revision.encode("ascii")))
        return tuple(told)


def is_stateless(message: Message) -> bool:
    """Whether the message says itself of which revision it is."""
    return VERSION_KEY in message.meta


def headers_of(message: Message, session: Session, schema: object) -> tuple[Header, ...]:
    """The headers of a POST; `schema` is the input schema of the tool that is called, None where it is not known."""
    if not is_stateless(message):
        return (*_ASKING, *session.headers())
    told: list[Header] = [
        *_ASKING,
        (b"mcp-protocol-version", str(message.meta[VERSION_KEY]).encode("ascii", "replace")),
        (b"mcp-method", _value(message.method)),
    ]
    key = NAME_KEYS.get(message.method)
    if key is not None and isinstance(name := message.params.get(key), str):
        told.append((b"mcp-name", _value(name)))
    if message.method == "tools/call":
        told += _parameters(message, schema)
    return tuple(told)


def _parameters(message: Message, schema: object) -> list[Header]:
    values = ((each.field, value_at(message.arguments, each.path)) for each in declared(schema))
    return [(field, _value(_text(value))) for field, value in values if value is not None and not _is_container(value)]


def _is_container(value: object) -> bool:
    return isinstance(value, dict | list)


def _text(value: object) -> str:
    """How a header repeats an argument; numbers as they were written."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _value(text: str) -> bytes:
    """Plain where a header can hold the text, else in base64 (2026-07-28, Value Encoding)."""
    if _PLAIN.fullmatch(text) and not _ENCODED.fullmatch(text):
        return text.encode("ascii")
    return b"=?base64?" + base64.b64encode(text.encode()) + b"?="
