"""Credentials for upstream servers: how they are given, sealed in the database, and opened in the gateway.

A header is given as `K: V`, `K: @file` (both read once, stored sealed) or `K: env:NAME` (only the name is stored; the
gateway reads its own environment). This module needs no database: the gateway opens headers with it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from toolgate.errors import ToolgateError
from toolgate.keys import SealBroken, Sealer
from toolgate.store.errors import BadInput
from toolgate.store.names import shown

PURPOSE = "upstream-headers"
"""The purpose of the master key's sealer: `key.sealer(headers.PURPOSE)`."""

TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}")
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,255}")
MAX_VALUE = 8192

# What the gateway itself says to the upstream: a fixed value here would break framing, sessions or the protocol.
OWNED = frozenset(
    {
        "accept", "accept-encoding", "connection", "content-encoding", "content-length", "content-type", "cookie2",
        "expect", "forwarded", "host", "keep-alive", "last-event-id", "mcp-method", "mcp-name",
        "mcp-protocol-version", "mcp-session-id", "origin", "proxy-authorization", "proxy-connection", "te",
        "trailer", "transfer-encoding", "upgrade",
    }
)  # fmt: skip
OWNED_PREFIXES = ("mcp-param-", "sec-", "proxy-")


@dataclass(slots=True, frozen=True)
class HeaderInput:
    """A header as the operator gave it: a `value` to seal, or the `variable` of the gateway that will hold it."""

    name: str
    value: str = ""
    variable: str = ""

    def __repr__(self) -> str:
        return f"HeaderInput({self.name!r}, ...)"


@dataclass(slots=True, frozen=True)
class StoredHeader:
    """A header as the database holds it; exactly one of `sealed` and `variable` is set."""

    name: str
    sealed: bytes | None
    variable: str | None


def parse_header(text: str) -> HeaderInput:
    """Read one `--header`; `@file` is read now. Raises BadInput, which never repeats the value."""
    name, colon, value = text.partition(":")
    place = f"--header {shown(name)}" if colon else "--header"
    if not colon:
        raise BadInput(place, "is not a header", 'write it as "Name: value", "Name: env:VARIABLE" or "Name: @file"')
    check_header(place, name)
    value = value.strip(" \t")
    if value.startswith("env:"):
        return HeaderInput(name.lower(), variable=check_reference(place, value[4:]))
    if value.startswith("@"):
        value = _file(place, Path(value[1:]))
    return HeaderInput(name.lower(), value=check_value(place, value))


def check_header(place: str, name: str) -> str:
    """The name of a header that an operator may set, in lower case. Raises BadInput."""
    if not TOKEN.fullmatch(name):
        cause = f"`{shown(name)}` is not the name of a header" if name else "a header has no name"
        raise BadInput(place, cause, "use letters, digits and `-`")
    if name.lower() in OWNED or name.lower().startswith(OWNED_PREFIXES):
        raise BadInput(place, f"`{name}` is written by the gateway itself", "leave it out")
    return name.lower()


def check_reference(place: str, name: str) -> str:
    """The name of a variable of the gateway's environment. Raises BadInput."""
    if not VARIABLE.fullmatch(name):
        raise BadInput(place, f"`{shown(name)}` is not the name of a variable", "write it as env:NAME")
    return name


def _file(place: str, path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(MAX_VALUE + 2).decode("ascii").strip()
    except OSError as error:
        cause = f"`{shown(str(path))}` cannot be read: {error.strerror}"
        raise BadInput(place, cause, "check the path after `@`") from error
    except ValueError as error:
        raise BadInput(place, f"`{shown(str(path))}` is not ASCII text", "store the bare value in it") from error


def check_value(place: str, value: str) -> str:
    """A header's value: printable ASCII and tabs, not empty. Raises BadInput, which never repeats it."""
    if not value or len(value) > MAX_VALUE or not all(char == "\t" or " " <= char <= "~" for char in value):
        raise BadInput(place, "the value is empty, too long or not printable ASCII", f"at most {MAX_VALUE} characters")
    return value


def unique(headers: Sequence[HeaderInput]) -> Sequence[HeaderInput]:
    """The headers as they are; raises BadInput when a name is given twice."""
    seen: set[str] = set()
    for header in headers:
        if header.name in seen:
            raise BadInput(header.name, "is given twice", "give each header or variable once")
        seen.add(header.name)
    return headers


def given(texts: Sequence[str], environment: Mapping[str, str]) -> list[tuple[str, str]]:
    """The headers of several `--header` for this process alone, never stored. Raises BadInput, ToolgateError."""
    return [
        (header.name, _from_environment(f"--header {header.name}", header.variable, environment))
        if header.variable
        else (header.name, header.value)
        for header in unique([parse_header(text) for text in texts])
    ]


def seal(header: HeaderInput, server_id: str, sealer: Sealer) -> StoredHeader:
    """What to store: the value sealed for this server and this header name, so that rows cannot be exchanged."""
    if header.variable:
        return StoredHeader(header.name, None, header.variable)
    sealed = sealer.seal(header.value.encode("utf-8"), binding(server_id, header.name))
    return StoredHeader(header.name, sealed, None)


def open_headers(
    headers: Sequence[StoredHeader], server_id: str, sealer: Sealer, environment: Mapping[str, str]
) -> list[tuple[str, str]]:
    """The headers to send, names in lower case. Raises ToolgateError: a seal does not open, a variable is missing."""
    return [(header.name, _opened(header, server_id, sealer, environment)) for header in headers]


def _opened(header: StoredHeader, server_id: str, sealer: Sealer, environment: Mapping[str, str]) -> str:
    place = f"header {header.name} of server {server_id}"
    if header.variable:
        return _from_environment(place, header.variable, environment)
    return unseal(place, header, server_id, sealer)


def unseal(place: str, header: StoredHeader, server_id: str, sealer: Sealer) -> str:
    """The value that was sealed for this server and name. Raises SealBroken."""
    try:
        return sealer.open(header.sealed or b"", binding(server_id, header.name)).decode("utf-8")
    except SealBroken as error:
        cause = "its sealed value does not open with this master key"
        raise SealBroken(place, cause, "restore the master key, or remove the server and add it anew") from error


def _from_environment(place: str, variable: str, environment: Mapping[str, str]) -> str:
    value = environment.get(variable)
    if value is None:
        cause = f"the variable `{variable}` is not set in the gateway's environment"
        raise ToolgateError(place, cause, f"start the gateway with {variable} set")
    return check_value(place, value.strip())


def binding(server_id: str, name: str) -> bytes:
    """What a sealed value is bound to: its place."""
    return f"{server_id}/{name}".encode("ascii")
