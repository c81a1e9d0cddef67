"""What happens to a request whose token is of no grant: refused here; `oauth/entrance.py` looks whether it is a JWT."""

from __future__ import annotations

from typing import Final, NoReturn

from toolgate.gateway.access import Access
from toolgate.gateway.event_answer import EventAnswer
from toolgate.gateway.failures import Failures
from toolgate.gateway.hygiene import Header, Refused, Screened
from toolgate.wire.server import Exchange

CHALLENGE: Final = (b"www-authenticate", b"Bearer")
_STATIC: Final = "send a grant token as `Authorization: Bearer`"


class Entrance:
    """For static tokens only: nothing is known of sign-in, and no metadata is served."""

    def __init__(self, failures: Failures) -> None:
        self.failures = failures

    async def admit(self, exchange: Exchange, head: Screened) -> tuple[Access, float]:
        """The access of a token that is of no grant, and when it ends (epoch seconds). Raises Refused."""
        reason = "no token" if head.digest is None else "unknown, expired or revoked token"
        self.refuse(exchange, reason, _STATIC, CHALLENGE)

    def refuse(self, exchange: Exchange, reason: str, mend: str, challenge: Header) -> NoReturn:
        """401, and 429 for a network that was refused too often."""
        wait = self.failures.count(exchange.peer, reason)
        if wait:
            raise Refused(429, "too many requests without a valid token", headers=((b"retry-after", b"%d" % wait),))
        raise Refused(401, reason, mend, (challenge,))

    def answers(self, exchange: Exchange) -> bool:  # noqa: ARG002 - for those that have something to say
        """Whether this took a request for which there is nothing at its path."""
        return False

    def ended(self, access: Access, answering: Exchange | EventAnswer) -> None:
        """The token that this exchange was admitted by has ended."""
