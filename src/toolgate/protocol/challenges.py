"""`WWW-Authenticate`: what a server that refuses a credential says of the one it wants (RFC 9110 section 11.6.1).

A header is hostile text: what cannot be read is left out, and values are given back only in the form that a scope, an
error code or a URL may have.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_LONGEST: Final = 8192
_TOKEN: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 - the grammar of RFC 9110, no secret
_PARAMETER: Final = re.compile(rf'({_TOKEN})[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|({_TOKEN})(?=[ \t]*(?:,|$)))')
_SCHEME: Final = re.compile(rf"({_TOKEN})(?=[ \t,]|$)")
_GAP: Final = re.compile(r"[ \t,]+")
_UNREAD: Final = re.compile(r"[^ \t,]+")
_ESCAPE: Final = re.compile(r"\\(.)")
_SCOPES: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*")
_CODE: Final = re.compile(r"[\x20\x21\x23-\x5b\x5d-\x7e]{1,64}")
_MAX_SCOPE: Final = 1024


@dataclass(slots=True, frozen=True)
class Challenge:
    """What a `Bearer` challenge says (RFC 6750 section 3, RFC 9728 section 5.1); "" for what it does not say."""

    scope: str = ""
    error: str = ""
    resource_metadata: str = ""

    @property
    def wants_scope(self) -> bool:
        """Whether the token was good, but not for this request."""
        return self.error == "insufficient_scope"


def bearer(header: str) -> Challenge | None:
    """The first `Bearer` challenge of a header's value; None where there is none."""
    for scheme, parameters in _challenges(header[:_LONGEST]):
        if scheme.lower() == "bearer":
            code = parameters.get("error", "")
            return Challenge(
                scope=scopes_in(parameters.get("scope", "")),
                error=code if _CODE.fullmatch(code) else "",
                resource_metadata=parameters.get("resource_metadata", ""),
            )
    return None


def scopes_in(text: str) -> str:
    """A list of scopes as RFC 6749 section 3.3 writes it, at most 1024 characters; "" for what is none."""
    return text if len(text) <= _MAX_SCOPE and _SCOPES.fullmatch(text) else ""


def _challenges(header: str) -> Iterator[tuple[str, dict[str, str]]]:
    scheme, parameters = "", dict[str, str]()
    for name, value in _words(header):
        if value is None:
            if scheme:
                yield scheme, parameters
            scheme, parameters = name, {}
        elif name in parameters:
            parameters[name] = ""  # said twice: nobody knows which one is meant
        else:
            parameters[name] = value
    if scheme:
        yield scheme, parameters


def _words(header: str) -> Iterator[tuple[str, str | None]]:
    """Schemes (without value) and parameters, in order."""
    at = 0
    while at < len(header):
        if gap := _GAP.match(header, at):
            at = gap.end()
        elif found := _PARAMETER.match(header, at):
            quoted, plain = found[2], found[3]
            yield found[1].lower(), plain if quoted is None else _ESCAPE.sub(r"\1", quoted)
            at = found.end()
        elif found := _SCHEME.match(header, at):
            yield found[1], None
            at = found.end()
        else:
            unread = _UNREAD.match(header, at)
            at = unread.end() if unread else len(header)
