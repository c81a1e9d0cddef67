"""What a grant token gives access to, ready for the hot path: subject, compiled policy, server and its definitions.

Built from the rows of the database view once per change and kept, so that a call looks up one dictionary.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import msgspec

from toolgate.gateway.policies import InForce
from toolgate.policy.categories import Category
from toolgate.policy.compiler import Policy
from toolgate.policy.decision import Subject
from toolgate.policy.definition import Definition
from toolgate.store.view import DefinitionRow, GrantRow, ServerRow
from toolgate.upstream.interface import Upstream

_SESSIONS_REMEMBERED: Final = 1_000


class Sighting(msgspec.Struct, frozen=True, tag="seen"):
    """Said to the control process: definitions of one server that are new or changed."""

    server: str
    tools: list[msgspec.Raw]


class Tools:
    """The definitions of one server: what the database holds, and what its answers have shown since.

    With `pin` a tool may be called and seen only in the version that somebody accepted. What an answer shows for the
    first time has no category until the database says what it is taken for. Definitions are never dropped
    here: a server may show different tools to different sessions.
    """

    def __init__(self, rows: Iterable[DefinitionRow], *, pin: bool, before: Tools | None = None) -> None:
        self._pin = pin
        self._known: dict[str, Definition] = {}
        self._accepted: dict[str, str] = {}
        self._withheld: set[str] = set()
        self._seen: dict[str, bytes] = before._seen if before is not None else {}
        """The last text of each tool, so that an answer that says nothing new costs no fingerprint."""
        for row in rows:
            known = before.get(row.name) if before is not None else None
            same = known is not None and known.fingerprint == row.fingerprint
            definition = known if known is not None and same else _definition(row.definition.encode())
            definition.take_for(row.category)
            self._known[row.name] = definition
            if row.status == "current":
                self._accepted[row.name] = row.fingerprint
            if row.withheld or row.status == "withheld":
                self._withheld.add(row.name)
        self.complete = bool(self._known)
        """Whether the tools of the server are known, so that a name that is not among them is no tool."""

    def get(self, name: str) -> Definition | None:
        """The definition that calls are judged by."""
        return self._known.get(name)

    def schema_of(self, name: str) -> object:
        """The input schema of a tool; None where it is not known."""
        known = self._known.get(name)
        return None if known is None else known.input_schema

    def told(self) -> dict[str, tuple[str, bytes]]:
        """What answers have shown: fingerprint and text of each tool by name."""
        return {name: (self._known[name].fingerprint, text) for name, text in self._seen.items() if name in self._known}

    def take_for(self, name: str, category: Category) -> None:
        """From now on calls of this tool are judged as those of a tool of the category."""
        self._known[name].take_for(category)

    def pinned(self, name: str) -> bool:
        """Whether the tool is withheld: its definition is new or changed, and nobody has accepted it."""
        return self._pin and (name in self._withheld or name not in self._accepted)

    def learn(self, listed: Iterable[tuple[str, bytes]]) -> list[bytes]:
        """Take note of definitions in an answer (name and text); returns the texts that are new or changed."""
        news = []
        for name, text in listed:
            if self._seen.get(name) == text:
                continue
            self._seen[name] = text
            seen = _definition(text)
            known = self._known.get(name)
            if known is None or known.fingerprint != seen.fingerprint:
                news.append(text)
                self._take(seen)
        self.complete = True
        return news

    def _take(self, seen: Definition) -> None:
        """A pinned server's changed tool is withheld at once, and judged by the accepted definition until then."""
        if self._pin and self._accepted.get(seen.name) != seen.fingerprint:
            self._withheld.add(seen.name)
            self._known.setdefault(seen.name, seen)
        else:
            self._known[seen.name] = seen


def _definition(text: bytes) -> Definition:
    return Definition(msgspec.json.decode(text))


@dataclass(slots=True)
class Server:
    """One upstream as this process uses it."""

    row: ServerRow
    upstream: Upstream
    tools: Tools
    connected: Mapping[str, Upstream] = field(default_factory=dict)
    """The same way with the access token of an OAuth connection: of a grant by its id, of the server itself by ""."""

    def way(self, grant_id: str) -> Upstream:
        """How the calls of a grant get there: with its own connection, else the server's, else its headers alone."""
        connected = self.connected
        return (connected.get(grant_id) or connected.get("") or self.upstream) if connected else self.upstream


@dataclass(slots=True)
class Access:
    """Everything that holds for the calls of one grant until a change rebuilds it."""

    grant: GrantRow
    server: Server
    upstream: Upstream
    policy: Policy | None
    policy_id: str
    revision: int
    subject: Subject
    grant_id: str
    label: str
    principal: str
    server_id: str
    organisation_id: str
    under_way: int = 0
    """Requests and streams of this grant that are open in this process."""
    _subjects: dict[str, Subject] = field(default_factory=dict)

    @property
    def tools(self) -> Tools:
        """The definitions of the server."""
        return self.server.tools

    @property
    def stopped(self) -> str:
        """Why nothing is sent, as the agent reads it, while somebody has stopped the grant or its server; else ""."""
        if self.grant.stopped is not None:
            return _stop_text("grant", self.grant.stopped)
        server = self.server.row
        return "" if server.stopped is None else _stop_text("server", server.stopped)

    def in_session(self, session: str) -> Subject:
        """The subject within a session; `session` is its digest, "" where the client has none."""
        if not session:
            return self.subject
        subject = self._subjects.get(session)
        if subject is None:
            if len(self._subjects) >= _SESSIONS_REMEMBERED:
                self._subjects.clear()
            subject = self._subjects[session] = replace(self.subject, session_id=session)
        return subject

    def expired(self, now: float) -> bool:
        """Whether the grant has ended by itself (`now` in epoch seconds)."""
        return self.grant.expires is not None and self.grant.expires <= now

    def take(self, grant: GrantRow) -> None:
        """Change in place to what the grant's row says now; sessions get new subjects."""
        self.grant, self.label, self.principal = grant, grant.label, grant.principal
        self.subject = _subject(grant)
        self._subjects.clear()

    def judged_by(self, in_force: InForce) -> None:
        """Exchange the policy: the next request is judged by this one."""
        self.policy, self.policy_id, self.revision = in_force.policy, in_force.id, in_force.revision

    def shows(self, name: str) -> bool:
        """Whether `tools/list` shows this tool to the grant."""
        return self.policy is not None and self.policy.lists(name) and not self.server.tools.pinned(name)


def make_access(grant: GrantRow, server: Server, in_force: InForce) -> Access:
    """The access of one grant."""
    return Access(
        grant=grant,
        server=server,
        upstream=server.way(grant.id),
        policy=in_force.policy,
        policy_id=in_force.id,
        revision=in_force.revision,
        subject=_subject(grant),
        grant_id=grant.id,
        label=grant.label,
        principal=grant.principal,
        server_id=grant.server_id,
        organisation_id=grant.organisation,
    )


def _stop_text(what: str, reason: str) -> str:
    said = f": {reason.rstrip('.')}" if reason else ""
    return f"An administrator stopped this {what}{said}. No call is sent until somebody resumes it."


def _subject(grant: GrantRow) -> Subject:
    return Subject(
        grant_id=grant.id,
        label=grant.label,
        principal=grant.principal,
        server_id=grant.server_id,
        organisation_id=grant.organisation,
        labels=dict(grant.labels),
    )
