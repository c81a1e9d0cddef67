"""Requests that bring an access token of an authorization server, or that look for one."""

from __future__ import annotations

from typing import Final

from toolgate.gateway import answers
from toolgate.gateway.access import Access
from toolgate.gateway.entrance import Entrance
from toolgate.gateway.event_answer import EventAnswer
from toolgate.gateway.failures import Failures
from toolgate.gateway.hygiene import Refused, Screened, bearer_token, cors_headers, preflight_headers
from toolgate.gateway.oauth.bearers import Bearers, NoGrant
from toolgate.gateway.oauth.issuers import KeysUnknown
from toolgate.gateway.oauth.jwt import BadToken
from toolgate.gateway.oauth.resource import ProtectedResource
from toolgate.gateway.streams import Streams
from toolgate.wire.server import Exchange

_MEND: Final = "sign in at the authorization server, or send a grant token"


class OAuthEntrance(Entrance):
    """Static tokens hold as before; a JWT is verified and leads to a grant."""

    def __init__(self, failures: Failures, bearers: Bearers, resource: ProtectedResource, streams: Streams) -> None:
        super().__init__(failures)
        self._bearers = bearers
        self._resource = resource
        self._streams = streams

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
