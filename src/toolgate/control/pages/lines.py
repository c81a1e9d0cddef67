"""Records as lines of the log: what stands in a row of the table, wherever a page shows some."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal

from starlette.requests import Request

from toolgate.audit.export import kind_of, summary
from toolgate.audit.filters import Filter
from toolgate.audit.records import Decision, Gap, Outcome, Refused, Sum
from toolgate.audit.search import Found
from toolgate.control.pages.routing import actor, state
from toolgate.control.recorded import seen_by

LAST: Final = 10
"""Decisions on the page of a server or grant; the others stand behind a link."""

ENDS: Final[dict[str, str]] = {
    "result": "answered",
    "tool_error": "answered with a tool error",
    "rpc_error": "answered with an error",
    "timeout": "no answer in time",
    "unreachable": "server not reached",
    "lost": "connection lost",
    "client_gone": "client left",
    "stopped": "ended by a stop",
    "error": "failed",
    "approved": "approved",
    "refused": "refused",
    "waiting": "client was told to repeat",
}
"""Words for how a call ended."""


@dataclass(slots=True, frozen=True, kw_only=True)
class Line:
    """One row. `id` is that of a decision, "" for sums, refusals and gaps; `took` is in microseconds, 0 for unknown."""

    time: float
    outcome: str
    message: str
    id: str = ""
    grant_id: str = ""
    grant: str = ""
    principal: str = ""
    server_id: str = ""
    tool: str = ""
    method: str = ""
    rule: str = ""
    ended: str = ""
    took: int = 0


def line_of(found: Found) -> Line:
    """The row of one record."""
    _, entry, outcome = found
    if isinstance(entry, Decision):
        return _decided(entry, outcome)
    if isinstance(entry, Sum):
        return Line(
            time=entry.time,
            outcome="deny",
            message=summary(entry),
            grant_id=entry.grant_id,
            grant=entry.grant_label or entry.grant_id,
            server_id=entry.server_id,
            rule=entry.rule,
        )
    if isinstance(entry, Refused):
        return Line(time=entry.time, outcome="refused", message=summary(entry), rule=entry.reason)
    return Line(time=entry.time, outcome=kind_of(entry), message=summary(entry) if isinstance(entry, Gap) else "")


def last_lines(request: Request, kind: Literal["server", "grant"], id_: str) -> list[Line]:
    """The rows of the last decisions of a server or grant that whoever asks may see; of one that is new, none."""
    records, organisations = state(request).records, seen_by(actor(request))
    if not records.ever(kind, organisations, id_):
        return []
    named = Filter(server=id_) if kind == "server" else Filter(grant=id_)
    return [line_of(found) for found in records.page(replace(named, organisations=organisations), LAST).found]


def _decided(entry: Decision, outcome: Outcome | None) -> Line:
    return Line(
        time=entry.time,
        outcome=entry.outcome,
        message=entry.message,
        id=entry.decision_id,
        grant_id=entry.grant_id,
        grant=entry.grant_label or entry.grant_id,
        principal=entry.principal,
        server_id=entry.server_id,
        tool=entry.tool,
        method=entry.method,
        rule=entry.rule,
        ended="" if outcome is None else ENDS[outcome.result],
        took=0 if outcome is None else outcome.upstream_took,
    )
