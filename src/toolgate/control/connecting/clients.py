"""Who this installation is to an authorization server.

In the specification's order: what an administrator typed, the URL of our own metadata document, a registration.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from toolgate.control.connecting.asking import Asking
from toolgate.control.connecting.discovery import Found
from toolgate.control.connecting.documents import ErrorAnswer, Registered, ServerMetadata, read, same_issuer
from toolgate.control.connecting.failures import ConnectingError, Refused, quoted
from toolgate.control.connecting.parameters import Credentials
from toolgate.store.names import is_loopback
from toolgate.store.oauth import Client

CALLBACK: Final = "/oauth/callback"
DOCUMENT: Final = "/oauth/client.json"
_NAME: Final = "Toolgate"
_GRANT_TYPES: Final = ["authorization_code", "refresh_token"]
_METHODS: Final = ("client_secret_basic", "client_secret_post", "none")
_METHOD: Final = "toolgate_method"
_UNTIL: Final = "toolgate_secret_expires"
_UNDER: Final = "toolgate_url"
_EXTRA: Final = (_METHOD, _UNTIL, _UNDER)
"""What is kept with the metadata: how we show who we are, until when, and under which address we registered."""
_LONGEST: Final = 2048
_SOON: Final = 3600.0
"""Seconds before its end at which a registered secret is not begun with any more."""


@dataclass(slots=True, frozen=True)
class Typed:
    """What an administrator typed; `anew` asks for another registration than the one that is stored."""

    client_id: str = ""
    secret: str = field(default="", repr=False)
    issuer: str = ""
    anew: bool = False


def document(url: str) -> dict[str, object] | None:
    """Our client metadata, served at their own address; None where no authorization server could fetch them.

    `url` is that of the control plane (OAuth Client ID Metadata Documents).
    """
    parts = urlsplit(url)
    if parts.scheme != "https" or is_loopback(parts.hostname or ""):
        return None
    return {"client_id": url + DOCUMENT, "client_uri": url, **_metadata(url), "token_endpoint_auth_method": "none"}


async def client_for(asking: Asking, found: Found, url: str, typed: Typed, stored: Client | None) -> Client:
    """The client to ask with. Raises ConnectingError, OutboundError.

    What is stored is used only with the issuer that it was made with, and under the address that it was made for.
    """
    if typed.client_id:
        _check("client_id", typed.client_id, typed.secret)
        return _client(found, typed.client_id, "manual", secret=typed.secret)
    if stored is not None and not typed.anew and _still_ours(stored, found, url):
        extra = {key: metadata_of(stored)[key] for key in _EXTRA if key in metadata_of(stored)}
        return _client(found, stored.client_id, stored.kind, secret=stored.secret, extra=extra)
    ours = document(url)
    if ours is not None and found.server.client_id_metadata_document_supported:
        return _client(found, str(ours["client_id"]), "document")
    if found.server.registration_endpoint:
        return await _register(asking, found, url)
    cause = "takes only clients that it knows"
    mend = f"register one there with the redirect URI {url}{CALLBACK}, and type its identifier here"
    raise ConnectingError(quoted(found.server.issuer), cause, mend)


def credentials_of(client: Client) -> Credentials:
    """How a client shows who it is."""
    known = metadata_of(client)
    method = known.get(_METHOD)
    if method not in _METHODS or (method != "none") != bool(client.secret):
        method = server_of(client).method(client.secret)
    return Credentials(client.client_id, method, client.secret)


def server_of(client: Client) -> ServerMetadata:
    """What its authorization server said of itself."""
    return msgspec.json.decode(client.metadata, type=ServerMetadata)


def metadata_of(client: Client) -> Mapping[str, Any]:
    """All that is kept with a client."""
    return msgspec.json.decode(client.metadata, type=dict[str, Any])


def _client(
    found: Found, client_id: str, kind: Any, *, secret: str = "", extra: Mapping[str, Any] | None = None
) -> Client:
    said = {key: value for key, value in msgspec.to_builtins(found.server).items() if value is not None}
    metadata = msgspec.json.encode({**said, **(extra or {})}).decode()
    return Client(found.server.issuer, found.resource, client_id, kind, found.scope, metadata, secret)


def _check(place: str, client_id: str, secret: str) -> None:
    """Refuse what no request could carry (RFC 6749 appendix A: printable ASCII)."""
    for value in (client_id, secret):
        if len(value) > _LONGEST or not all(" " <= char <= "~" for char in value):
            raise ConnectingError(place, "the client's identifier or secret is not printable ASCII, or too long")


def _still_ours(stored: Client, found: Found, url: str) -> bool:
    known = metadata_of(stored)
    until = float(known.get(_UNTIL, 0))
    lasting = not until or until > time.time() + _SOON
    ours = document(url)
    if stored.kind == "document":
        return ours is not None and ours["client_id"] == stored.client_id
    moved = stored.kind == "registered" and known.get(_UNDER) != url
    return same_issuer(stored.issuer, found.server.issuer) and lasting and not moved


async def _register(asking: Asking, found: Found, url: str) -> Client:
    """Register with the authorization server (RFC 7591)."""
    server = found.server
    offered = server.token_endpoint_auth_methods_supported or [_METHODS[0]]
    method = next((method for method in _METHODS if method in offered), _METHODS[0])
    native = is_loopback(urlsplit(url).hostname or "")
    wanted = {
        **_metadata(url),
        "token_endpoint_auth_method": method,
        "application_type": "native" if native else "web",
    }
    body = msgspec.json.encode(wanted)
    headers = {"content-type": "application/json", "accept": "application/json"}
    got = await asking.send("POST", server.registration_endpoint or "", headers, body)
    answer = read(got.body, Registered) if got.status in {200, 201} else None
    if answer is None:
        raise _unregistered(server, got.status, read(got.body, ErrorAnswer), url)
    given = answer.token_endpoint_auth_method or method
    if given not in _METHODS or (given != "none" and not answer.client_secret):
        raise ConnectingError(quoted(server.issuer), f"registers clients of the kind `{quoted(given)}` only")
    _check(quoted(server.issuer), answer.client_id, answer.client_secret or "")
    extra = {_METHOD: given, _UNTIL: answer.client_secret_expires_at or 0, _UNDER: url}
    secret = (answer.client_secret or "") if given != "none" else ""
    return _client(found, answer.client_id, "registered", secret=secret, extra=extra)


def _unregistered(server: ServerMetadata, status: int, error: ErrorAnswer | None, url: str) -> Refused:
    said = f": {quoted(error.error_description or error.error)}" if error is not None else ""
    cause = f"does not register this installation (HTTP status {status}){said}"
    mend = f"register a client there with the redirect URI {url}{CALLBACK}, and type its identifier here"
    return Refused(quoted(server.issuer), cause, mend, error.error if error is not None else "")


def _metadata(url: str) -> dict[str, object]:
    return {
        "client_name": _NAME,
        "redirect_uris": [url + CALLBACK],
        "grant_types": _GRANT_TYPES,
        "response_types": ["code"],
    }
