"""Requests that bring an access token of an authorization server, or that look for one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from toolgate.gateway import answers
from toolgate.gateway.access import Access
from toolgate.gateway.entrance import Entrance
from toolgate.gateway.event_answer import EventAnswer
from toolgate.gateway.failures import Failures
from toolgate.gateway.hygiene import Refused, Screened, bearer_token, cors_headers, preflight_headers
from toolgate.gateway.oauth.bearers import Bearers, NoGrant
from toolgate.gateway.oauth.issuers import Issuer, KeysUnknown
from toolgate.gateway.oauth.jwt import BadToken
from toolgate.gateway.oauth.resource import ProtectedResource
from toolgate.gateway.streams import Streams
from toolgate.gateway.view import GatewayView
from toolgate.settings import Settings
from toolgate.wire.server import Exchange

LOOK_EVERY: Final = 5.0
"""Seconds between two looks whether it is time to fetch keys."""
_MEND: Final = "sign in at the authorization server, or send a grant token"


class OAuthEntrance(Entrance):
    """Static tokens hold as before; a JWT is verified and leads to a grant."""

    def __init__(
        self, settings: Settings, failures: Failures, view: GatewayView, streams: Streams, base: Callable[[], str]
    ) -> None:
        """`base` gives the URL of the gateway, without a final slash, once it listens."""
        super().__init__(failures)
        self._issuers = [Issuer(url) for url in settings.oauth_issuers]
        self._resource = ProtectedResource(base, settings.oauth_issuers, settings.oauth_scopes)
        self._bearers = Bearers(self._issuers, settings.oauth_audience, self._resource.url, view)
        self._streams = streams

    async def keep_keys(self) -> None:
        """Fetch the keys of the authorization servers when it is time; called now and then."""
        await asyncio.gather(*(issuer.keep() for issuer in self._issuers))

    async def admit(self, exchange: Exchange, head: Screened) -> tuple[Access, float]:
        """As `Entrance.admit`. 403 for a valid token that not exactly one grant is for: to sign in again is no help."""
        text = bearer_token(exchange.headers)
        if text is None or head.digest is None:
            self.refuse(exchange, "no token", _MEND, self._resource.challenge(exchange.path, invalid=False))
        try:
            return await self._bearers.access(text, head.digest, head.server_id)
        except BadToken as bad:
            challenge = self._resource.challenge(exchange.path, invalid=True)
            self.refuse(exchange, f"the access token {bad.cause}", _MEND, challenge)
        except NoGrant as none:
            raise Refused(403, str(none), "an administrator makes one with `toolgate grant add --claims`") from None
        except KeysUnknown:
            raise Refused(503, "the authorization server cannot be asked for its keys", "try again later") from None

    def answers(self, exchange: Exchange) -> bool:
        """The metadata, to everybody whose Host and Origin were found good."""
        document = self._resource.document(exchange.path)
        origin = exchange.headers.get(b"origin")
        if document is None or exchange.query or exchange.method not in {"GET", "OPTIONS"}:
            return False
        if exchange.method == "OPTIONS":
            exchange.respond(204, () if origin is None else preflight_headers(origin))
        else:
            extra = () if origin is None else cors_headers(origin)
            exchange.respond(200, (*answers.JSON_HEADERS, *extra), document)
        return True

    def ended(self, access: Access, answering: Exchange | EventAnswer) -> None:
        """Streams end with the token; a call under way is answered."""
        self._streams.cut(access.grant_id, answering)
