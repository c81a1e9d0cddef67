"""One exchange on its way through the gateway: what came in, what goes up, what comes back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from toolgate.gateway.call import Call, Ending
from toolgate.gateway.event_answer import EventAnswer
from toolgate.gateway.hygiene import Header, Screened
from toolgate.gateway.seals import Session
from toolgate.gateway.sessions import OpenSession, Sessions
from toolgate.protocol.param_headers import declared
from toolgate.upstream.interface import Answer
from toolgate.wire.server import Exchange

_PARAM: Final = b"mcp-param-"
_RETURNED: Final = (b"cache-control", b"retry-after", b"allow")
"""Response headers that go back as they are, besides the content type; everything else stays here."""


@dataclass(slots=True)
class Passage:
    """An admitted message, how its client reaches us, and how it ended so far."""

    exchange: Exchange | EventAnswer
    head: Screened
    call: Call
    session: OpenSession | None = None
    ending: Ending = field(default_factory=Ending)
    in_events: bool = False
    """Whether the answer began as a stream of events, which can take one more."""

    @property
    def expects_answer(self) -> bool:
        """Whether the client waits for an answer to an id."""
        return self.call.message.kind == "request"

    @property
    def wants_body(self) -> bool:
        """Whether the body of a 200 matters: not to a notification, an answer or the end of a session."""
        return self.expects_answer or self.head.verb == "GET"

    def request_headers(self) -> tuple[Header, ...]:
        """What of the client's headers goes upstream, with the upstream's own session id."""
        forwarded = self._checked() if self.call.modern else self.head.forwarded
        if self.session is None:
            return forwarded
        return (*forwarded, (b"mcp-session-id", self.session.session.upstream_id.encode("ascii")))

    def _checked(self) -> tuple[Header, ...]:
        """Without the parameter headers that the tool's schema does not declare: nobody compared them with the body."""
        schema = self.call.access.tools.schema_of(self.call.tool)
        known = {parameter.field for parameter in declared(schema)}
        return tuple(pair for pair in self.head.forwarded if not pair[0].startswith(_PARAM) or pair[0] in known)

    def answer_headers(self, response: Answer, sessions: Sessions) -> tuple[Header, ...]:
        """Response headers by allow-list; the upstream's session id leaves only sealed."""
        headers, kept = response.headers, self.head.extra
        for name in _RETURNED:
            if name in headers:
                kept = (*kept, (name, headers.get(name) or b""))
        upstream_id = headers.get(b"mcp-session-id")
        if upstream_id is None:
            return kept
        return (*kept, (b"mcp-session-id", self._client_session(upstream_id, sessions)))

    def _client_session(self, upstream_id: bytes, sessions: Sessions) -> bytes:
        text, ending = upstream_id.decode("ascii", "replace"), self.ending
        agreed = Session(text, ending.agreed_revision, ending.list_changed)
        return sessions.client_id(text, self.call.access, self.session, agreed)
