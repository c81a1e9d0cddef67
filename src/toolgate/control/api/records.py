"""Records of decisions: searched, read one by one, taken away as files."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Depends, Path, Query
from starlette.responses import Response, StreamingResponse

from toolgate.audit import export
from toolgate.audit.filters import Filter
from toolgate.audit.records import Decision
from toolgate.audit.search import Place
from toolgate.control.api.operation import Asker, Here, needs, resource
from toolgate.control.api.paging import Pages
from toolgate.control.api.references import in_query
from toolgate.control.api.shapes.records import Record, RecordPage
from toolgate.control.identity.actor import Actor
from toolgate.control.pages.records import csv_text, json_lines
from toolgate.control.pages.wanted import wanted
from toolgate.control.recorded import seen_by
from toolgate.control.state import State
from toolgate.store import names, policies, servers
from toolgate.store.database import reading
from toolgate.store.errors import NotStored

router = resource("Records")

OutcomeWord = Literal["allow", "deny", "wait", "refused", "gap"]
DecisionId = Annotated[str, Path(max_length=100, description="The id of the decision.")]
GrantFilter = Annotated[str, Query(max_length=200, description="Label or id of a grant, or how its id begins.")]
ServerFilter = Annotated[str, Query(max_length=64, description="Name or id of a server.")]
ToolFilter = Annotated[str, Query(max_length=200, description="Name of a tool.")]
OutcomeFilter = Annotated[OutcomeWord | None, Query(description="How it was decided.")]
RuleFilter = Annotated[str, Query(max_length=500, description="What decided, as records name it.")]
PolicyFilter = Annotated[str, Query(max_length=64, description="Name or id of a policy.")]
TextFilter = Annotated[
    str, Query(max_length=200, description="Part of the message, rule, tool, method, grant's label or principal.")
]
Since = Annotated[str, Query(max_length=40, description="Only newer ones: `2h`, `30d`, a date or time (RFC 3339).")]
Until = Annotated[str, Query(max_length=40, description="Only older ones: `2h`, `30d`, a date or time (RFC 3339).")]


async def _sought(
    grant: GrantFilter = "",
    server: ServerFilter = "",
    tool: ToolFilter = "",
    outcome: OutcomeFilter = None,
    rule: RuleFilter = "",
    policy: PolicyFilter = "",
    text: TextFilter = "",
) -> dict[str, str]:
    whose = {"grant": grant, "server": server, "policy": policy}
    return {**whose, "tool": tool, "outcome": outcome or "", "rule": rule, "text": text}


async def _span(since: Since = "", until: Until = "") -> dict[str, str]:
    return {"since": since, "until": until}


Sought = Annotated[dict[str, str], Depends(_sought)]
Span = Annotated[dict[str, str], Depends(_span)]


@router.get("/records", response_model=RecordPage, response_model_exclude_unset=True, **needs("viewer"))
def search_records(actor: Asker, here: Here, pages: Pages, sought: Sought, span: Span) -> dict[str, Any]:
    """Search the records, the newest first. Filters are joined: all must hold."""
    before = Place(*pages.after) if pages.after else None
    found = here.records.page(_filter(here, actor, sought | span), pages.limit, before=before)
    return {"items": [export.described(*one) for one in found.found], "next": pages.next(found.older)}


@router.get(
    "/records/export",
    response_class=Response,
    responses={
        200: {
            "description": "The file",
            "content": {
                "text/csv": {"schema": {"type": "string"}},
                "application/jsonl": {"schema": {"type": "string"}},
            },
        }
    },
    **needs("viewer"),
)
def export_records(
    actor: Asker,
    here: Here,
    sought: Sought,
    span: Span,
    form: Annotated[
        Literal["csv", "jsonl"], Query(alias="format", description="A table, or a JSON object on each line.")
    ] = "jsonl",
) -> Response:
    """Take all records away that the filters let through, oldest first.

    They are sent while they are read. In a table no cell is a formula to a spreadsheet.
    """
    found = here.records.every(_filter(here, actor, sought | span))
    if form == "csv":
        return StreamingResponse(csv_text(found), media_type="text/csv")
    return StreamingResponse(json_lines(found), media_type="application/jsonl")


@router.get("/records/{decision_id}", response_model=Record, response_model_exclude_unset=True, **needs("viewer"))
def show_record(decision_id: DecisionId, actor: Asker, here: Here) -> dict[str, Any]:
    """Show one decision, by the id that the agent was told."""
    found = here.records.one(decision_id, seen_by(actor))
    if found is None or not isinstance(found.entry, Decision):
        cause = f"there is no decision `{names.shown(decision_id)}`"
        raise NotStored("decision", cause, "old ones may have been pruned")
    return export.described(*found)


def _filter(here: State, actor: Actor, given: dict[str, str]) -> Filter:
    """What the query asks for; servers and policies may be named, and those that are gone are known by their ids."""
    with reading(here.engine) as connection:
        if given["server"] and not names.is_id(given["server"]):
            given["server"] = servers.find(connection, given["server"], organisation=actor.organisation).id
        if given["policy"] and not names.is_id(given["policy"]):
            given["policy"] = policies.find(connection, given["policy"], organisation=actor.organisation).id
    with in_query():
        return wanted(given, seen_by(actor)).filter
