"""The era of a request and, in the stateless era, its headers against its body (2026-07-28, Server Validation).

The gateway decides on the body alone. It checks the headers because whoever reads them instead, before it or behind
it, must come to the same decision. Handshake-era revisions do not know these headers: there they are ignored.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Final, Protocol

from toolgate.protocol.malformed import (
    HEADER_MISMATCH,
    INVALID_PARAMS,
    INVALID_REQUEST,
    UNSUPPORTED_VERSION,
    Malformed,
)
from toolgate.protocol.messages import Message
from toolgate.protocol.param_headers import Declared, declared, rendering_matches, value_at
from toolgate.protocol.revisions import OVER_HTTP, REVISIONS, STATELESS, VERSION_KEY

NAME_KEYS: Final = {
    "tools/call": "name",
    "prompts/get": "name",
    "resources/read": "uri",
    "tasks/get": "taskId",
    "tasks/update": "taskId",
    "tasks/cancel": "taskId",
}
"""Method -> the key of `params` that Mcp-Name repeats."""

_NAME_OPTIONAL = frozenset({"tasks/get", "tasks/update", "tasks/cancel"})  # servers of the core revision ignore it
_ENCODED = re.compile(r"=\?base64\?(.*)\?=")


class Headers(Protocol):
    """The fields of a request, names in lower case."""

    def get(self, name: bytes) -> bytes | None:
        """The value, None when absent; a repeated field may give any text."""

    def count(self, name: bytes) -> int:
        """How often the field came."""


@dataclass(slots=True, frozen=True)
class Era:
    """How one request is to be read. `revision` is "" where neither headers nor body say it (a session may)."""

    revision: str
    modern: bool


_UNSAID = Era("", modern=False)
_ERAS = {name: Era(name, revision.stateless) for name, revision in REVISIONS.items() if revision.http}


def era_of_headers(headers: Headers) -> Era | None:
    """The era of a request whose body has no `_meta`, where the headers alone settle it; None: `check_headers` must."""
    said = headers.get(b"mcp-protocol-version")
    if said is None:
        return _UNSAID
    era = _ERAS.get(said.decode("latin-1"))  # of a repeated field the joined text names no revision
    return era if era is not None and not era.modern else None


def check_headers(headers: Headers, message: Message, schema: object) -> Era:
    """Derive the era once from header and body, which must agree, and check the headers that repeat the body.

    `schema` is the input schema of the tool that `message` calls, None where it is not known: then no Mcp-Param-*
    header is known either. Raises Malformed, whose code says what was wrong (-32020 for a mismatch).
    """
    said = _single(headers, b"mcp-protocol-version", message)
    inside = message.meta.get(VERSION_KEY)
    if said is None and inside is None:
        return _UNSAID
    if inside is not None and inside != said:
        raise _mismatch("MCP-Protocol-Version", "does not equal the revision in `params._meta`", message)
    era = _ERAS.get(said or "")
    if era is None:
        raise _unsupported(said or "", message)
    if era.modern:
        _check_stateless(headers, message, schema, inside)
    return era


def era_of_body(message: Message, agreed: str) -> Era:
    """The era of a message that came without headers; `agreed` is the revision of its handshake, "" without one.

    Raises Malformed for a revision that is not known.
    """
    said = message.meta.get(VERSION_KEY)
    if said is None:
        return Era(agreed, modern=False)
    era = _ERAS.get(said) if isinstance(said, str) else None
    if era is None:
        raise _unsupported(str(said), message)
    return era


def decoded(value: str) -> str | None:
    """The text that a header value stands for: itself, or the UTF-8 within `=?base64?...?=`; None when broken."""
    encoded = _ENCODED.fullmatch(value)
    if encoded is None:
        return value
    try:
        plain = base64.b64decode(encoded[1], validate=True)
        # other spellings of the same bytes (stray bits, missing padding) are for lenient decoders to differ about
        return plain.decode() if base64.b64encode(plain).decode() == encoded[1] else None
    except (binascii.Error, UnicodeDecodeError):
        return None


def _check_stateless(headers: Headers, message: Message, schema: object, inside: object) -> None:
    if message.kind in ("response", "error"):
        cause = "is an answer, and this revision has no requests to clients"
        raise Malformed("message", cause, "send requests", code=INVALID_REQUEST, message_id=message.id)
    if message.kind == "notification":
        _check_notification(headers, message)
        return
    if inside is None:
        cause = f"lacks `{VERSION_KEY}`"
        raise Malformed("message/params/_meta", cause, "add it", code=INVALID_PARAMS, message_id=message.id)
    if _single(headers, b"mcp-method", message) != message.method:
        raise _mismatch("Mcp-Method", "does not equal the method in the body", message)
    _check_name(headers, message)
    if message.method == "tools/call":
        for parameter in declared(schema):
            _check_parameter(headers, message, parameter)


def _check_notification(headers: Headers, message: Message) -> None:
    """What a notification must carry is undefined in this revision; what it carries must be true."""
    if _single(headers, b"mcp-method", message) not in (None, message.method):
        raise _mismatch("Mcp-Method", "does not equal the method in the body", message)


def _check_name(headers: Headers, message: Message) -> None:
    key = NAME_KEYS.get(message.method)
    if key is None:
        return
    said = _single(headers, b"mcp-name", message)
    if said is None and (message.method in _NAME_OPTIONAL or message.params.get(key) is None):
        return
    if said is None or decoded(said) != message.params.get(key):
        raise _mismatch("Mcp-Name", f"does not equal `params.{key}` in the body", message)


def _check_parameter(headers: Headers, message: Message, parameter: Declared) -> None:
    said = _single(headers, parameter.field, message)
    value = value_at(message.arguments, parameter.path)
    if said is None and (value is None or isinstance(value, dict | list)):
        return
    text = None if said is None else decoded(said)
    if text is None or not rendering_matches(value, text, integer=parameter.integer):
        where = ".".join(parameter.path)
        raise _mismatch(parameter.header, f"does not equal the argument `{where}` in the body", message)


def _single(headers: Headers, name: bytes, message: Message) -> str | None:
    value = headers.get(name)
    if value is None:
        return None
    if headers.count(name) != 1:
        raise _mismatch(name.decode(), "appears more than once", message)
    try:
        return value.decode("ascii")
    except UnicodeDecodeError:
        raise _mismatch(name.decode(), "holds bytes beyond ASCII", message) from None


def _mismatch(header: str, cause: str, message: Message) -> Malformed:
    place = f"header {header}"
    return Malformed(place, cause, "send what the body says", code=HEADER_MISMATCH, message_id=message.id)


def _unsupported(said: str, message: Message) -> Malformed:
    return Malformed(
        "header MCP-Protocol-Version",
        f"names the revision `{said[:40]}`, which is not served here",
        f"use one of {', '.join(OVER_HTTP)}",
        code=UNSUPPORTED_VERSION,
        message_id=message.id,
        data={"supported": list(STATELESS), "requested": said[:40]},
    )
