"""The keys of an authorization server: found by its metadata (RFC 8414, OpenID discovery), fetched beside the calls.

The last good keys are kept while the server cannot be reached, for a bounded time. A token that names an unknown key
has them fetched again at once, but seldom: whoever sends such tokens makes no traffic by it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlsplit

from toolgate.background import complain
from toolgate.errors import ToolgateError
from toolgate.gateway.oauth.jwt import ALGORITHMS, BadToken, Key, Token, keys_of
from toolgate.protocol import strict_json
from toolgate.upstream.address import parse_url
from toolgate.upstream.outbound import fetch

REFRESH_EVERY: Final = 300.0
KEPT: Final = 86_400.0
"""Seconds that keys hold without having been confirmed; then no token of this server is accepted."""
PAUSE: Final = 10.0
"""Seconds between two attempts, whatever is sent."""
_TIMEOUT: Final = 5.0
_JSON: Final = {"accept": "application/json"}


class KeysUnknown(ToolgateError):
    """The authorization server could not be asked for its keys: nobody can say whether a token is valid."""


class Issuer:
    """One authorization server. `url` is its issuer identifier, as tokens spell it; it must be https or loopback."""

    def __init__(self, url: str, pause: float = PAUSE) -> None:
        self.url = url
        self._pause = pause
        self._keys: tuple[Key, ...] = ()
        self._confirmed = -KEPT
        self._tried = -PAUSE
        self._fetching: asyncio.Task[None] | None = None
        self._fault = ""

    async def key_of(self, token: Token) -> Key:
        """The key that the token names. Raises BadToken where there is none, KeysUnknown."""
        found = self._find(token)
        if found is None and await self._fetched_anew():
            found = self._find(token)
        if found is not None:
            return found
        if not self._usable:
            raise KeysUnknown(self.url, "its keys cannot be fetched", "see the gateway's log")
        raise BadToken("names no key of its authorization server")

    async def keep(self) -> None:
        """Fetch the keys when it is time; called now and then."""
        now = time.monotonic()
        if now - self._confirmed >= REFRESH_EVERY and now - self._tried >= self._pause:
            await self._fetched_anew()

    async def refresh(self) -> None:
        """Fetch the keys; what goes wrong is said once, and the last good ones hold on."""
        self._tried = time.monotonic()
        try:
            keys = await self._ask()
        except (ToolgateError, ValueError) as error:
            if str(error) != self._fault:
                complain(f"the keys of {self.url} were not fetched: {error}")
            self._fault = str(error)
            return
        self._keys, self._confirmed, self._fault = keys, time.monotonic(), ""

    @property
    def _usable(self) -> bool:
        return time.monotonic() - self._confirmed < KEPT

    def _find(self, token: Token) -> Key | None:
        """By its id; a token without one fits only where the server has a single key for its algorithm."""
        if not self._usable:
            return None
        fitting = [key for key in self._keys if key.kty == ALGORITHMS[token.alg] and key.alg in {"", token.alg}]
        if token.kid:
            return next((key for key in fitting if key.kid == token.kid), None)
        return fitting[0] if len(fitting) == 1 else None

    async def _fetched_anew(self) -> bool:
        """Wait for the fetching under way, or begin one unless the last was a moment ago."""
        if self._fetching is None:
            if time.monotonic() - self._tried < self._pause:
                return False
            self._fetching = asyncio.create_task(self.refresh())
            self._fetching.add_done_callback(self._fetching_done)
        await asyncio.shield(self._fetching)
        return True

    def _fetching_done(self, _task: asyncio.Task[None]) -> None:
        self._fetching = None

    async def _ask(self) -> tuple[Key, ...]:
        uri = await self._jwks_uri()
        parse_url(uri)  # https, or loopback as the issuer itself
        keys = keys_of(await _fetched(uri))
        if not keys:
            raise ToolgateError(uri, "holds no key that tokens may be signed with", "use RS256, PS256, ES256 or EdDSA")
        return keys

    async def _jwks_uri(self) -> str:
        """From the first metadata document that is there; it must speak of this very issuer."""
        for place in _metadata_places(self.url):
            said = await _fetched(place, missing_is_none=True)
            if said is None:
                continue
            if said.get("issuer") != self.url:
                raise ToolgateError(place, "speaks of another issuer", "give --oauth-issuer as the server spells it")
            if not isinstance(said.get("jwks_uri"), str):
                raise ToolgateError(place, "names no `jwks_uri`")
            return str(said["jwks_uri"])
        raise ToolgateError(self.url, "has no metadata document", "check --oauth-issuer")


def _metadata_places(issuer: str) -> Iterator[str]:
    parts = urlsplit(issuer)
    origin, path = f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/")
    yield f"{origin}/.well-known/oauth-authorization-server{path}"
    yield f"{issuer.rstrip('/')}/.well-known/openid-configuration"
    if path:
        yield f"{origin}/.well-known/openid-configuration{path}"


async def _fetched(url: str, *, missing_is_none: bool = False) -> Any:
    """The JSON object at a URL that the operator named, or that the server they named does. Raises ToolgateError."""
    answer = await fetch("GET", url, _JSON, allow_private=True, timeout=_TIMEOUT)
    if answer.status != 200:
        if missing_is_none and 400 <= answer.status < 500:
            return None
        raise ToolgateError(url, f"answered with status {answer.status}")
    said = strict_json.read(answer.body)
    if not isinstance(said, dict):
        raise ToolgateError(url, "is no JSON object")
    return said
