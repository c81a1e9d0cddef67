"""Sessions of the handshake era: the id that a client holds is the upstream's, sealed to its grant and server."""

from __future__ import annotations

from dataclasses import dataclass

from msgspec import structs

from toolgate.gateway.access import Access
from toolgate.gateway.digests import Digests
from toolgate.gateway.hygiene import Refused
from toolgate.gateway.seals import Seals, Session
from toolgate.policy.decision import Subject


@dataclass(slots=True, frozen=True)
class OpenSession:
    """A session that a request named. `header` is the sealed id as the client sent it."""

    session: Session
    header: bytes
    subject: Subject


class Sessions:
    """Opens and makes the session ids of this process's clients; holds no state that another process would need."""

    def __init__(self, seals: Seals, digests: Digests) -> None:
        self._seals = seals
        self._digests = digests

    def open(self, header: bytes | None, access: Access) -> OpenSession | None:
        """The session that a request names, None where it names none.

        Raises Refused (404) for every id that was not made for exactly this grant and server.
        """
        if header is None:
            return None
        session = self._seals.open_session(header.decode("latin-1"), access.grant_id, access.server_id)
        if session is None:
            raise Refused(404, "there is no such session for this grant", "initialize anew")
        name = session.name or self._digests.session(session.upstream_id)
        return OpenSession(session, header, access.in_session(name))

    def client_id(self, upstream_id: str, access: Access, known: OpenSession | None, agreed: Session) -> bytes:
        """What the client gets for the upstream's id: the id it already holds, or a new one with what was agreed."""
        if known is not None and known.session.upstream_id == upstream_id:
            return known.header
        named = structs.replace(agreed, name=self._digests.session(upstream_id))
        return self._seals.seal_session(named, access.grant_id, access.server_id).encode("ascii")
