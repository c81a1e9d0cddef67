"""Tools of a server: every version that was seen, what changed, and which of them are let in."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from starlette.concurrency import run_in_threadpool

from toolgate.control.api.operation import Asker, Here, needs, resource
from toolgate.control.api.paging import Pages
from toolgate.control.api.refusals import Refused
from toolgate.control.api.servers import ServerReference
from toolgate.control.api.shapes.servers import (
    AcceptedTools,
    AcceptedVersions,
    FetchedTools,
    JudgedTools,
    SomeTools,
    Tool,
    ToolChange,
    ToolJudgement,
    ToolWords,
)
from toolgate.control.api.shapes.words import Page
from toolgate.control.discovering import fetch_tools
from toolgate.control.identity.actor import Actor
from toolgate.control.state import State
from toolgate.errors import ToolgateError
from toolgate.store import definitions, described, judgements, servers
from toolgate.store.errors import BadInput, StoreError
from toolgate.store.judgements import Chosen
from toolgate.store.tool_changes import changes

router = resource("Tools")

ToolName = Annotated[str, Query(max_length=1024, description="Only this tool.", examples=["create_contact"])]
History = Annotated[bool, Query(description="Also versions that are gone.")]


@router.get("/servers/{server}/tools", response_model=Page[Tool], **needs("viewer"))
def list_tools(
    server: ServerReference, actor: Asker, here: Here, pages: Pages, tool: ToolName = "", history: History = False
) -> dict[str, object]:
    """List a server's tools as they were last seen, by name, each with its definition."""
    after = tuple(pages.after) if pages.after else None
    found = definitions.of_server(
        here.engine,
        server,
        history=history,
        tool=tool,
        organisation=actor.organisation,
        after=after,
        limit=pages.one_more,
    )
    return pages.page(found, described.tool, lambda row: (row.name, row.first_seen, row.fingerprint))


@router.get("/servers/{server}/tools/changes", response_model=Page[ToolChange], **needs("viewer"))
def list_tool_changes(server: ServerReference, actor: Asker, here: Here, tool: ToolName = "") -> dict[str, object]:
    """Show what changed: of every tool that waits to be accepted, or of one tool from version to version.

    The newest change of a tool comes first.
    """
    found = definitions.of_server(here.engine, server, history=bool(tool), tool=tool, organisation=actor.organisation)
    return {"items": changes(found, waiting=not tool), "next": None}


@router.post("/servers/{server}/tools/accept", response_model=AcceptedTools, **needs("admin"))
def accept_tools(server: ServerReference, body: AcceptedVersions, actor: Asker, here: Here) -> dict[str, object]:
    """Let in what is withheld on a pinned server: of these tools, or exactly the versions that were looked at."""
    if bool(body.tools) == bool(body.versions):
        raise BadInput("/tools", "either tools or versions are let in", "give one of `tools` and `versions`")
    house = actor.organisation
    if body.versions:
        chosen = definitions.accept_shown(here.engine, actor.name, server, body.versions, organisation=house)
    else:
        chosen = definitions.accept(here.engine, actor.name, server, body.tools, organisation=house)
    return {"accepted": chosen}


@router.get("/servers/{server}/tools/judgements", response_model=Page[ToolJudgement], **needs("viewer"))
def list_tool_judgements(server: ServerReference, actor: Asker, here: Here, pages: Pages) -> dict[str, object]:
    """Show what each tool is taken for where policies say `tool.category`, and what the present lexicon says of it."""
    found = judgements.proposals(here.engine, server, organisation=actor.organisation)
    after = [row for row in found if not pages.after or row.name > pages.after[0]]
    return pages.page(after[: pages.one_more], described.proposal, lambda row: (row.name,))


@router.patch("/servers/{server}/tools/judgements", response_model=JudgedTools, **needs("admin"))
def judge_tools(server: ServerReference, body: ToolWords, actor: Asker, here: Here) -> dict[str, object]:
    """Say of what category tools are. It counts from the next call on; tools that are not named stay as they are."""
    chosen = [Chosen(word.name, word.category, word.fingerprint) for word in body.tools]
    changed = judgements.judge(here.engine, actor.name, server, chosen, organisation=actor.organisation)
    return {"judged": [described.judged(row) for row in changed]}


@router.post("/servers/{server}/tools/reclassify", response_model=JudgedTools, **needs("admin"))
def reclassify_tools(server: ServerReference, body: SomeTools, actor: Asker, here: Here) -> dict[str, object]:
    """Accept what the present lexicon says of these tools, or of all of the server."""
    names = body.tools or ()
    changed = judgements.reclassify(here.engine, actor.name, server, names, organisation=actor.organisation)
    return {"judged": [described.judged(row) for row in changed]}


@router.post("/servers/{server}/tools/refresh", response_model=FetchedTools, **needs("admin"))
async def refresh_tools(server: ServerReference, actor: Asker, here: Here) -> dict[str, object]:
    """Ask the server for its tools now. Answers 502 when it does not tell; then the tools stay those seen before."""
    found = await run_in_threadpool(_find, here, actor, server)
    try:
        await fetch_tools(here.data, here.engine, actor.name, found, here.master, organisation=actor.organisation)
    except StoreError:
        raise
    except ToolgateError as error:
        title = "The server does not tell its tools"
        raise Refused(502, "server-unreachable", title, error.place, error.cause, error.mend) from error
    return await run_in_threadpool(_fetched, here, actor, found)


def _find(here: State, actor: Actor, reference: str) -> str:
    return servers.get(here.engine, reference, organisation=actor.organisation).id


def _fetched(here: State, actor: Actor, server_id: str) -> dict[str, object]:
    found = definitions.of_server(here.engine, server_id, organisation=actor.organisation)
    withheld = sorted(version.name for version in found if version.status == "withheld")
    return {"tools": len({version.name for version in found}), "withheld": withheld}
