"""The operator's identity provider: what it says of itself, its keys, and its token endpoint (OpenID Connect Core 1.0).

Everything is asked through `upstream.outbound`; the issuer is the operator's own word and may be private.
"""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey, import_key

from toolgate.control.connecting.parameters import Credentials, code_request
from toolgate.errors import ToolgateError
from toolgate.settings import ControlSettings
from toolgate.store.names import escaped, is_loopback
from toolgate.upstream.outbound import Fetched, fetch

SECRET_VARIABLE: Final = "TOOLGATE_OIDC_CLIENT_SECRET"  # noqa: S105 - its name
CALLBACK: Final = "/sign-in/oidc/callback"

_FRESH: Final = 3600.0
"""Seconds for which metadata and keys are believed."""
_AGAIN: Final = 60.0
"""Seconds between two looks for a key that is not known."""
_REST: Final = 5.0
"""Seconds for which a provider that failed is not asked again."""
_KEYS_AT_MOST: Final = 100
_DISCOVERY: Final = "/.well-known/openid-configuration"

Document = TypeVar("Document")
PublicKey = RSAKey | ECKey | OKPKey


class ProviderError(ToolgateError):
    """The identity provider did not answer as the specification says. Nobody is signed in."""


class Metadata(msgspec.Struct, frozen=True):
    """What the provider says of itself (OpenID Connect Discovery 1.0)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    token_endpoint_auth_methods_supported: list[str] | None = None
    authorization_response_iss_parameter_supported: bool | None = None


class Tokens(msgspec.Struct, frozen=True):
    """The answer of the token endpoint."""

    id_token: str
    access_token: str = ""


class _Keys(msgspec.Struct):
    keys: list[dict[str, Any]]


class Provider:
    """One for the process; keeps metadata and keys for an hour."""

    def __init__(self, settings: ControlSettings) -> None:
        self.issuer = settings.oidc_issuer
        self.client_id = settings.oidc_client_id
        self.redirect_uri = f"{settings.url}{CALLBACK}"
        self.name = urlsplit(self.issuer).hostname or ""
        self._secret = _secret(settings.oidc_secret_file)
        self._private = True
        self._looking = asyncio.Lock()
        self._metadata: Metadata | None = None
        self._metadata_at = 0.0
        self._failed: ToolgateError | None = None
        self._failed_at = 0.0
        self._keys: dict[str, PublicKey] = {}
        self._keys_at = 0.0

    async def metadata(self) -> Metadata:
        """Where to go for what. Raises ProviderError, OutboundError."""
        async with self._looking:
            if self._metadata is None or time.monotonic() - self._metadata_at > _FRESH:
                self._metadata = await self._discovered()
                self._metadata_at = time.monotonic()
            return self._metadata

    async def _discovered(self) -> Metadata:
        """Ask anew. Anybody may begin to sign in, so a provider that fails is left alone for a moment."""
        failed = self._failed
        if failed is not None and time.monotonic() - self._failed_at < _REST:
            raise ProviderError(failed.place, failed.cause, failed.mend)
        try:
            answer = await self._get(self.issuer.rstrip("/") + _DISCOVERY)
            return self._checked(_read(answer, Metadata, "its metadata"))
        except ToolgateError as error:
            self._failed, self._failed_at = error, time.monotonic()
            raise

    async def key(self, kid: str) -> PublicKey:
        """The key with this id ("" where there is only one). Raises ProviderError, OutboundError."""
        metadata = await self.metadata()
        async with self._looking:
            age = time.monotonic() - self._keys_at
            if not self._keys or age > _FRESH or (self._pick(kid) is None and age > _AGAIN):
                answer = await self._get(metadata.jwks_uri)
                self._keys = _usable(_read(answer, _Keys, "its keys"))
                self._keys_at = time.monotonic()
            found = self._pick(kid)
        if found is None:
            raise ProviderError(self.name, "signed with a key that it does not publish", "try again in a minute")
        return found

    async def exchange(self, code: str, verifier: str) -> Tokens:
        """The tokens for a code. Raises ProviderError, OutboundError."""
        metadata = await self.metadata()
        credentials = Credentials(self.client_id, self._method(metadata), self._secret)
        body = code_request(code, verifier, self.redirect_uri, "")
        headers, signed = credentials.sign(metadata.token_endpoint, body)
        answer = await fetch("POST", metadata.token_endpoint, headers, signed, allow_private=self._private)
        if answer.status != 200:
            raise ProviderError(self.name, f"refused the code (status {answer.status})", "begin again")
        return _read(answer, Tokens, "its tokens")

    async def userinfo(self, access_token: str) -> dict[str, Any]:
        """What the provider says of the person; {} where it has no such endpoint. Raises ProviderError."""
        endpoint = (await self.metadata()).userinfo_endpoint
        if not endpoint or not access_token:
            return {}
        return _read(await self._get(endpoint, access_token), dict[str, Any], "what it knows of the person")

    def _method(self, metadata: Metadata) -> str:
        if not self._secret:
            return "none"
        offered = metadata.token_endpoint_auth_methods_supported or ["client_secret_basic"]
        return "client_secret_basic" if "client_secret_basic" in offered else "client_secret_post"

    def _checked(self, metadata: Metadata) -> Metadata:
        """Refuse metadata of another issuer (mix-up), and endpoints that are asked in the clear."""
        if metadata.issuer != self.issuer:
            cause = f"says that it is `{escaped(metadata.issuer[:200])}`, not `{self.issuer}`"
            raise ProviderError(self.name, cause, "give --oidc-issuer exactly as the provider writes it")
        here = is_loopback(urlsplit(self.issuer).hostname or "")
        named = ("authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint")
        for name in named:
            url = getattr(metadata, name)
            if url and not _fit(url, loopback=here):
                raise ProviderError(self.name, f"names no usable {name}", "it must be an https URL")
        return metadata

    async def _get(self, url: str, access_token: str = "") -> Fetched:
        headers = {"accept": "application/json"}
        if access_token:
            headers["authorization"] = f"Bearer {access_token}"
        answer = await fetch("GET", url, headers, allow_private=self._private)
        if answer.status != 200:
            raise ProviderError(self.name, f"answers with status {answer.status}", "check --oidc-issuer")
        return answer

    def _pick(self, kid: str) -> PublicKey | None:
        if not kid and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        return self._keys.get(kid)


def _secret(file: str | None) -> str:
    if file is None:
        return os.environ.get(SECRET_VARIABLE, "")
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ToolgateError("--oidc-secret-file", f"cannot be read: {error}", "check the file") from None


def _read(answer: Fetched, kind: type[Document], what: str) -> Document:
    try:
        return msgspec.json.decode(answer.body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ProviderError("identity provider", f"sent {what} in no form that can be read") from None


def _usable(published: _Keys) -> dict[str, PublicKey]:
    """The public keys for signatures, by id. A shared secret in the set is nobody's signature key."""
    found: dict[str, PublicKey] = {}
    for data in published.keys[:_KEYS_AT_MOST]:
        if data.get("use", "sig") != "sig":
            continue
        try:
            key = import_key(data)
        except (JoseError, ValueError, TypeError):
            continue  # a kind of key that is not known here (RFC 7517, section 5)
        if isinstance(key, (RSAKey, ECKey, OKPKey)):
            found[str(data.get("kid", ""))] = key
    return found


def _fit(url: str, *, loopback: bool) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and loopback))
