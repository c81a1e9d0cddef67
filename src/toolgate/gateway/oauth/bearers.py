"""From an access token to a grant: verified once, remembered by its digest until it ends, mapped anew after changes.

A grant names the claims that a token must carry (`claims`, the issuer among them); exactly one living grant of the
server must fit, else nobody is let in: two fitting ones are as wrong as none.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from toolgate.gateway.access import Access
from toolgate.gateway.oauth.issuers import Issuer
from toolgate.gateway.oauth.jwt import BadToken, check_claims, check_signature, is_jwt, read
from toolgate.gateway.view import GatewayView

_REMEMBERED: Final = 10_000


class NoGrant(Exception):
    """The token is valid, but not exactly one grant of this server is for it; `several`: more than one."""

    def __init__(self, several: bool) -> None:
        self.several = several
        super().__init__("several grants fit this token" if several else "no grant of this server is for this token")


@dataclass(slots=True)
class Known:
    """A token that was verified for one server; `grant` is the digest of its grant's own token, at change `seq`."""

    server_id: str
    claims: Mapping[str, Any]
    until: float
    grant: bytes
    seq: int


class Bearers:
    """The holders of access tokens. `resource` gives the URL of a server's endpoint, with its final slash."""

    def __init__(
        self, issuers: Iterable[Issuer], audience: str, resource: Callable[[str], str], view: GatewayView
    ) -> None:
        self._issuers = {issuer.url: issuer for issuer in issuers}
        self._audience = audience
        self._resource = resource
        self._view = view
        self._known: dict[tuple[bytes, str], Known] = {}

    async def access(self, text: str, digest: bytes, server_id: str) -> tuple[Access, float]:
        """What the token gives on this server, and until when (epoch seconds).

        Raises BadToken, NoGrant, KeysUnknown.
        """
        known = self._known.get((digest, server_id))
        if known is None:
            known = await self._verified(text, digest, server_id)
        if known.until <= time.time():
            self._known.pop((digest, server_id), None)
            raise BadToken("is expired")
        access = self._view.access(known.grant) if known.seq == self._view.seq else None
        return access or self._mapped(known), known.until

    async def _verified(self, text: str, digest: bytes, server_id: str) -> Known:
        if not is_jwt(text):
            raise BadToken("is unknown, expired or revoked")
        token = read(text)
        said = token.claims.get("iss")
        issuer = self._issuers.get(said) if isinstance(said, str) else None
        if issuer is None:
            raise BadToken("is of an authorization server that is not known here")
        check_signature(token, await issuer.key_of(token))
        until = check_claims(token.claims, self._audiences(server_id), time.time())
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        known = self._known[digest, server_id] = Known(server_id, token.claims, until, b"", -1)
        return known

    def _audiences(self, server_id: str) -> tuple[str, ...]:
        if self._audience:
            return (self._audience,)
        resource = self._resource(server_id)
        return (resource, resource.rstrip("/"))

    def _mapped(self, known: Known) -> Access:
        now = time.time()
        fitting = [
            grant
            for grant in self._view.claimed(known.server_id)
            if (grant.expires is None or grant.expires > now) and fits(grant.claims, known.claims)
        ]
        access = self._view.access(fitting[0].digest) if len(fitting) == 1 else None
        if access is None:
            raise NoGrant(several=len(fitting) > 1)
        known.grant, known.seq = fitting[0].digest, self._view.seq
        return access


def fits(wanted: Mapping[str, object], claims: Mapping[str, Any]) -> bool:
    """Whether a token with these claims is the one that a grant wants: all of them, and the issuer among them."""
    return "iss" in wanted and all(_says(claims, name, value) for name, value in wanted.items())


def _says(claims: Mapping[str, Any], name: str, value: object) -> bool:
    """Equal in type and value, or one of a list of values; `scope` is a list of words (RFC 8693)."""
    said = claims.get(name)
    if name == "scope" and isinstance(said, str):
        said = said.split(" ")
    several = said if isinstance(said, list) else [said]
    return any(type(one) is type(value) and one == value for one in several)
