"""Finding the authorization server of an MCP server, in the order that the specification gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeVar
from urllib.parse import urlsplit

import msgspec

from toolgate.control.connecting.asking import Asking
from toolgate.control.connecting.documents import (
    ResourceMetadata,
    ServerMetadata,
    check_resource,
    check_server,
    read,
    same_issuer,
    scopes_of,
)
from toolgate.control.connecting.failures import ConnectingError, quoted
from toolgate.control.connecting.parameters import well_known
from toolgate.protocol.challenges import Challenge, bearer
from toolgate.upstream.conversation import HANDSHAKE

Document = TypeVar("Document")
_RESOURCE: Final = "oauth-protected-resource"
_OAUTH: Final = "oauth-authorization-server"
_OPENID: Final = "openid-configuration"
_HELLO: Final = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": HANDSHAKE, "capabilities": {}, "clientInfo": {"name": "toolgate", "version": "0"}},
}
_NOTHING: Final = Challenge()


@dataclass(slots=True, frozen=True)
class Found:
    """Where tokens for a server come from. `scope` is what to ask for at first, "" to leave that to the server."""

    resource: str
    scope: str
    server: ServerMetadata


async def discover(asking: Asking, issuer: str = "", known: str = "") -> Found:
    """Ask a server who gives tokens for it, and that one what it offers. Raises ConnectingError, OutboundError.

    `issuer` is one that an administrator typed: it must be among those that the server names, where it names any.
    `known` is one that is preferred where the server names several.
    """
    challenge = await _challenge(asking)
    resource = await _resource(asking, challenge)
    if resource is None and not issuer:
        cause = "does not say who gives tokens for it (RFC 9728)"
        mend = "type the issuer of its authorization server, or give it a header with a token"
        raise ConnectingError(asking.url, cause, mend)
    chosen = _chosen(asking, resource, issuer, known)
    server = await server_metadata(asking, chosen)
    scopes = challenge.scope or (" ".join(scopes_of(resource.scopes_supported)) if resource else "")
    return Found(resource.resource if resource else asking.url, scopes, server)


async def _challenge(asking: Asking) -> Challenge:
    """What the server says to a request without credential."""
    headers = {
        "content-type": "application/json",
        "accept": "application/json, text/event-stream",
        "mcp-protocol-version": HANDSHAKE,
    }
    got = await asking.send("POST", asking.url, headers, msgspec.json.encode(_HELLO))
    return bearer(got.headers.get("www-authenticate", "")) or _NOTHING if got.status == 401 else _NOTHING


async def _resource(asking: Asking, challenge: Challenge) -> ResourceMetadata | None:
    """The metadata of the server as a protected resource; None where it has none."""
    url = asking.url
    if challenge.resource_metadata:
        named = await _document(asking, challenge.resource_metadata, ResourceMetadata)
        if named is None:
            raise ConnectingError(quoted(challenge.resource_metadata), "holds no metadata, though the server named it")
        check_resource(named.resource, url)
        return named
    origin = "{0.scheme}://{0.netloc}".format(urlsplit(url))
    for place in dict.fromkeys((well_known(url, _RESOURCE), well_known(origin, _RESOURCE))):
        found = await _document(asking, place, ResourceMetadata)
        if found is not None:
            check_resource(found.resource, url)
            return found
    return None


def _chosen(asking: Asking, resource: ResourceMetadata | None, issuer: str, known: str) -> str:
    named = resource.authorization_servers or [] if resource is not None else [issuer]
    if not named:
        raise ConnectingError(asking.url, "names no authorization server in its metadata")
    if not issuer:
        return next((it for it in named if same_issuer(it, known)), named[0])
    found = next((it for it in named if same_issuer(it, issuer)), None)
    if found is None:
        cause = f"does not take tokens of `{quoted(issuer)}`"
        raise ConnectingError(asking.url, cause, f"it names {', '.join(f'`{quoted(it)}`' for it in named[:5])}")
    return found


async def server_metadata(asking: Asking, issuer: str) -> ServerMetadata:
    """The metadata of an issuer, checked. Raises ConnectingError, OutboundError."""
    bare = issuer.rstrip("/")
    places = [well_known(bare, _OAUTH), well_known(bare, _OPENID), f"{bare}/.well-known/{_OPENID}"]
    for place in dict.fromkeys(places):
        found = await _document(asking, place, ServerMetadata)
        if found is not None:
            return check_server(found, issuer, local=asking.local, private=asking.private)
    raise ConnectingError(quoted(issuer), "says nothing of itself at any of its well-known addresses")


async def _document(asking: Asking, url: str, kind: type[Document]) -> Document | None:
    """The document at an address; None where there is none. Raises OutboundError where the address may not be asked."""
    got = await asking.get(url)
    return read(got.body, kind) if got.status == 200 else None
