"""What an OAuth client is told of a server's endpoint: its metadata (RFC 9728), and where that is (RFC 6750)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from toolgate.gateway.hygiene import Header

WELL_KNOWN: Final = "/.well-known/oauth-protected-resource"
_PATH: Final = re.compile(rf"{re.escape(WELL_KNOWN)}/mcp/([0-9a-f-]{{36}})(/?)")


class ProtectedResource:
    """Every well-formed id has the same document, so that nobody learns from it which servers there are."""

    def __init__(self, base: Callable[[], str], issuers: Sequence[str], scopes: Sequence[str] = ()) -> None:
        self._base = base
        self._issuers = list(issuers)
        self._scopes = list(scopes)

    def url(self, server_id: str) -> str:
        """The endpoint of a server, as its tokens name it."""
        return f"{self._base()}/mcp/{server_id}/"

    def document(self, path: str) -> bytes | None:
        """The metadata at this path; None where there is none. Each spelling of the endpoint has its own."""
        match = _PATH.fullmatch(path)
        if match is None:
            return None
        said: dict[str, object] = {
            "resource": f"{self._base()}/mcp/{match[1]}{match[2]}",
            "authorization_servers": self._issuers,
            "bearer_methods_supported": ["header"],
        }
        if self._scopes:
            said["scopes_supported"] = self._scopes
        return msgspec.json.encode(said)

    def challenge(self, path: str, *, invalid: bool) -> Header:
        """The `WWW-Authenticate` of a refusal at this path of an endpoint."""
        if _PATH.fullmatch(WELL_KNOWN + path) is None:
            return b"www-authenticate", b"Bearer"
        error = ', error="invalid_token"' if invalid else ""
        scope = f', scope="{" ".join(self._scopes)}"' if self._scopes else ""
        where = f'Bearer resource_metadata="{self._base()}{WELL_KNOWN}{path}"'
        return b"www-authenticate", f"{where}{scope}{error}".encode()
