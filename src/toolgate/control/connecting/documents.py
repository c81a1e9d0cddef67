"""What servers say of themselves: read strictly, checked before anything is done with it.

Everything here comes from strangers. A value that is used is checked; the rest is not read.
"""

from __future__ import annotations

from typing import Final, TypeVar
from urllib.parse import parse_qsl, urlsplit

import msgspec

from toolgate.control.connecting.failures import ConnectingError, quoted
from toolgate.protocol.challenges import scopes_in
from toolgate.store.errors import BadInput
from toolgate.store.names import check_url, is_loopback
from toolgate.upstream.address import AddressError, parse_url

Document = TypeVar("Document")
_METHODS: Final = ("client_secret_basic", "client_secret_post")
_OWN_PARAMETERS: Final = frozenset(
    {
        "client_id", "code_challenge", "code_challenge_method", "prompt", "redirect_uri", "request", "request_uri",
        "resource", "response_mode", "response_type", "scope", "state",
    }
)  # fmt: skip
Texts = list[str] | None


class ResourceMetadata(msgspec.Struct):
    """Of the protected resource (RFC 9728)."""

    resource: str
    authorization_servers: Texts = None
    scopes_supported: Texts = None


class ServerMetadata(msgspec.Struct):
    """Of the authorization server (RFC 8414, OpenID Connect Discovery 1.0)."""

    issuer: str
    authorization_endpoint: str | None = None
    token_endpoint: str | None = None
    registration_endpoint: str | None = None
    revocation_endpoint: str | None = None
    scopes_supported: Texts = None
    response_types_supported: Texts = None
    grant_types_supported: Texts = None
    code_challenge_methods_supported: Texts = None
    token_endpoint_auth_methods_supported: Texts = None
    authorization_response_iss_parameter_supported: bool | None = None
    client_id_metadata_document_supported: bool | None = None

    def method(self, secret: str) -> str:
        """How a client with this secret shows who it is; `none` without a secret."""
        if not secret:
            return "none"
        offered = self.token_endpoint_auth_methods_supported or _METHODS[:1]
        return next((method for method in _METHODS if method in offered), _METHODS[0])


class Registered(msgspec.Struct):
    """The answer to a registration (RFC 7591); the secret expires at an epoch second, 0 for never."""

    client_id: str
    client_secret: str | None = None
    client_secret_expires_at: float | None = None
    token_endpoint_auth_method: str | None = None


class TokenAnswer(msgspec.Struct):
    """The answer of a token endpoint (RFC 6749 section 5.1)."""

    access_token: str
    token_type: str
    expires_in: float | str | None = None
    refresh_token: str | None = None
    scope: str | None = None

    @property
    def life(self) -> float | None:
        """Seconds that the access token holds; None where that was not said."""
        try:
            seconds = float(self.expires_in) if self.expires_in is not None else 0.0
        except ValueError:
            return None
        return seconds if 0 < seconds < 10**9 else None


class ErrorAnswer(msgspec.Struct):
    """What an endpoint says instead (RFC 6749 section 5.2)."""

    error: str
    error_description: str | None = None


def read(body: bytes, kind: type[Document]) -> Document | None:
    """The document; None for what is none of this kind."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def check_resource(resource: str, url: str) -> str:
    """The resource identifier, if it stands for the server at `url`: the same origin, and the same path or one above.

    Otherwise a token that is for another server would be asked for, or one for this server be given to another.
    Raises ConnectingError.
    """
    try:
        named, ours = parse_url(resource, allow_private=True), parse_url(url, allow_private=True)
    except AddressError as error:
        raise ConnectingError("resource", f"`{quoted(resource)}` is no resource of a server: {error.cause}") from None
    path, _, query = named.target.partition("?")
    above = ours.target.partition("?")[0]
    inside = above.rstrip("/") == path.rstrip("/") or above.startswith(path.rstrip("/") + "/")
    if (named.scheme, named.host, named.port) != (ours.scheme, ours.host, ours.port) or query or not inside:
        cause = f"the server says that it is `{quoted(resource)}`, which is another one than `{url}`"
        raise ConnectingError("resource", cause, "register it under the URL that it says it has")
    return resource


def check_server(metadata: ServerMetadata, issuer: str, *, local: bool, private: bool) -> ServerMetadata:
    """The metadata, if it is of this issuer and describes one that a code flow is safe with. Raises ConnectingError.

    `local` and `private` say whether URLs of this machine and of private networks are to be expected.
    """
    if not same_issuer(metadata.issuer, issuer):
        cause = f"says that it is `{quoted(metadata.issuer)}`"
        raise ConnectingError(quoted(issuer), cause, "its metadata are not used; tell whoever runs the server")
    place = quoted(issuer)
    if "S256" not in (metadata.code_challenge_methods_supported or ()):
        raise ConnectingError(place, "does not offer PKCE with S256, without which codes can be stolen")
    if "code" not in (metadata.response_types_supported or ["code"]):
        raise ConnectingError(place, "does not offer the authorization code flow")
    if "authorization_code" not in (metadata.grant_types_supported or ["authorization_code"]):
        raise ConnectingError(place, "does not offer the authorization code flow")
    if not metadata.authorization_endpoint or not metadata.token_endpoint:
        raise ConnectingError(place, "names no authorization or no token endpoint")
    if any(name in _OWN_PARAMETERS for name, _ in parse_qsl(urlsplit(metadata.authorization_endpoint).query)):
        raise ConnectingError(place, "has an authorization endpoint that holds parameters of the request already")
    for name in ("authorization_endpoint", "token_endpoint", "registration_endpoint", "revocation_endpoint"):
        url = getattr(metadata, name)
        if url:
            _check_endpoint(f"{name} of {place}", url, local=local, private=private)
    return metadata


def same_issuer(one: str, other: str) -> bool:
    """Whether two issuers are the same, character by character.

    Only `https://host` and `https://host/` are taken for one: libraries add that slash, and both have one origin.
    """
    return one == other or (_root(one) is not None and _root(one) == _root(other))


def _root(issuer: str) -> str | None:
    try:
        parts = urlsplit(issuer)
    except ValueError:
        return None
    bare = issuer.rstrip("/")
    return bare if parts.path in ("", "/") and bare == f"{parts.scheme}://{parts.netloc}" else None


def _check_endpoint(place: str, url: str, *, local: bool, private: bool) -> None:
    """A URL that a browser or this process may be sent to: no script, no file, nothing unencrypted."""
    try:
        check_url(place, url, allow_private=private)
    except BadInput as error:
        raise ConnectingError(place, error.cause) from None
    if is_loopback(urlsplit(url).hostname or "") and not (local or private):
        raise ConnectingError(place, "is on this machine itself")


def scopes_of(listed: Texts) -> tuple[str, ...]:
    """The scopes of a list, without what is none."""
    return tuple(scope for scope in listed or () if scopes_in(scope) and " " not in scope)[:100]
