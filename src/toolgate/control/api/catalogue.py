"""The catalogue: what servers and tools there are, how they are judged, and the policy that they ask for."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

import msgspec
from fastapi import Depends, Path, Query

from toolgate.catalogue.entries import Found, ServerEntry, ServerFacts, ToolEntry
from toolgate.catalogue.intake import accept
from toolgate.classifier.classify import classify_all
from toolgate.classifier.recommend import recommend_entries, recommended_text, written
from toolgate.classifier.tightened import tighten_entries
from toolgate.control.api.operation import Asker, Here, needs, resource
from toolgate.control.api.paging import Pages, Paging
from toolgate.control.api.shapes.catalogue import (
    CatalogueCounts,
    CatalogueHistory,
    CataloguePolicy,
    CatalogueServer,
    CatalogueServers,
    CatalogueTool,
    CatalogueTools,
    Classified,
    Drifted,
    ListedServer,
    ToolList,
)
from toolgate.policy.categories import Category, Risk
from toolgate.store.database import together
from toolgate.store.described import when
from toolgate.store.errors import NotStored

router = resource("Catalogue")
Entry = TypeVar("Entry")

ServerSlug = Annotated[
    str,
    Path(alias="slug", max_length=240, description="Slug of the server.", examples=["github--github-mcp-server"]),
]
ToolSlug = Annotated[
    str, Path(alias="tool_slug", max_length=240, description="Slug of the tool.", examples=["create_issue"])
]
Words = Annotated[
    str, Query(max_length=200, description="Words of names and descriptions; names may be misspelt.", examples=["mail"])
]
OfCategory = Annotated[Category | None, Query(description="What a tool does.")]
OfRisk = Annotated[Risk | None, Query(description="How much harm it can do.")]
OfSignal = Annotated[
    str | None, Query(max_length=40, description="The id of a reason to look closer.", examples=["path"])
]


@dataclass(slots=True, frozen=True)
class Sought:
    """The filters of a list."""

    sought: str
    category: Category | None
    risk: Risk | None
    signal: str | None


def _sought(q: Words = "", category: OfCategory = None, risk: OfRisk = None, signal: OfSignal = None) -> Sought:
    return Sought(q, category, risk, signal)


Filters = Annotated[Sought, Depends(_sought)]


@router.get("/catalogue", response_model=CatalogueCounts, **needs("viewer"))
def show_catalogue(here: Here) -> dict[str, Any]:
    """Count what everybody may see."""
    counts: dict[str, Any] = msgspec.to_builtins(here.catalogue().counts())
    return counts


@router.get("/catalogue/servers", response_model=CatalogueServers, **needs("viewer"))
def list_catalogue_servers(actor: Asker, here: Here, pages: Pages, filters: Filters) -> dict[str, Any]:
    """Find servers: those that have such a tool, and whose riskiest one has this risk."""
    start = _start(pages)
    wanted = msgspec.to_builtins(filters)
    found = here.catalogue().servers(**wanted, organisation=actor.organisation, start=start, limit=pages.limit)
    return _page(pages, start, found, server_facts)


@router.post("/catalogue/servers", response_model=Drifted, **needs("policy_manager"))
def import_definitions(body: ListedServer, actor: Asker, here: Here) -> dict[str, Any]:
    """Store the tools of one server as they are listed here, for the own organisation alone, and tell what changed.

    What is not in the list is gone. A definition that cannot be stored is named, and the others are stored.
    """
    facts = ServerFacts(body.name, body.title, body.about, body.version, body.repository, body.package, body.url)
    with together(here.engine, actor.name, actor.organisation) as change:
        drift = here.catalogue().put(
            facts, body.tools, source="import", now=time.time(), organisation=actor.organisation
        )
        change.event("catalogue.import", "catalogue", body.name, after={"tools": len(body.tools)})
    told: dict[str, Any] = msgspec.to_builtins(drift)
    return told


@router.get("/catalogue/servers/{slug}", response_model=CatalogueServer, **needs("viewer"))
def show_catalogue_server(slug: ServerSlug, actor: Asker, here: Here) -> dict[str, Any]:
    """Show what is known of a server; its tools are listed under `/catalogue/tools`."""
    return server_facts(_server(here.catalogue().server(slug, actor.organisation), slug))


@router.get("/catalogue/servers/{slug}/policy", response_model=CataloguePolicy, **needs("viewer"))
def show_catalogue_policy(
    slug: ServerSlug,
    actor: Asker,
    here: Here,
    tightened: Annotated[bool, Query(description="With limits on arguments, some to be filled in.")] = False,
) -> dict[str, Any]:
    """Show the policy that a server's tools ask for: what it does not name is denied."""
    catalogue = here.catalogue()
    server = _server(catalogue.server(slug, actor.organisation), slug)
    tools = catalogue.every_tool(slug, actor.organisation)
    if not tightened:
        return {"document": written(recommend_entries(tools)), "fill_ins": []}
    policy = tighten_entries(tools, server.name)
    return {"document": policy.text, "fill_ins": [blank.facts() for blank in policy.fill_ins]}


@router.get("/catalogue/tools", response_model=CatalogueTools, **needs("viewer"))
def search_catalogue(
    actor: Asker,
    here: Here,
    pages: Pages,
    filters: Filters,
    server: Annotated[str | None, Query(max_length=240, description="Only tools of the server with this slug.")] = None,
) -> dict[str, Any]:
    """Find tools, those that fit the words best first; without words by their servers."""
    start = _start(pages)
    wanted = msgspec.to_builtins(filters)
    found = here.catalogue().tools(
        **wanted, server=server, organisation=actor.organisation, start=start, limit=pages.limit
    )
    return _page(pages, start, found, tool_facts)


@router.get("/catalogue/tools/{slug}/{tool_slug}", response_model=CatalogueTool, **needs("viewer"))
def show_catalogue_tool(slug: ServerSlug, tool_slug: ToolSlug, actor: Asker, here: Here) -> dict[str, Any]:
    """Show what is known of a tool."""
    found = here.catalogue().tool(slug, tool_slug, actor.organisation)
    if found is None:
        raise _unknown("tool", tool_slug)
    return tool_facts(found)


@router.get("/catalogue/tools/{slug}/{tool_slug}/history", response_model=CatalogueHistory, **needs("viewer"))
def show_catalogue_history(slug: ServerSlug, tool_slug: ToolSlug, actor: Asker, here: Here) -> dict[str, Any]:
    """List the definitions that a tool had, the newest first; none of one whose facts alone are known."""
    catalogue = here.catalogue()
    versions = catalogue.history(slug, tool_slug, actor.organisation)
    if not versions and catalogue.tool(slug, tool_slug, actor.organisation) is None:
        raise _unknown("tool", tool_slug)
    return {
        "items": [
            {
                **msgspec.to_builtins(version),
                "first_seen": when(version.first_seen),
                "last_seen": when(version.last_seen),
                "gone": when(version.gone),
            }
            for version in versions
        ]
    }


@router.post("/catalogue/classify", response_model=Classified, **needs("viewer", pure=True))
def classify_tools(body: ToolList) -> dict[str, Any]:
    """Judge the tools of a server by their definitions, and show the policy that they ask for. Nothing is stored."""
    accepted, refused = accept(body.tools)
    definitions = [each.definition for each in accepted]
    judged = classify_all(definitions, body.server)
    tools = [{"name": each.name, **judgement.facts()} for each, judgement in zip(accepted, judged, strict=True)]
    document = recommended_text(definitions, body.server, judged)
    return {"tools": tools, "refused": msgspec.to_builtins(refused), "document": document}


def server_facts(server: ServerEntry) -> dict[str, Any]:
    """A server as JSON has it."""
    facts: dict[str, Any] = msgspec.to_builtins(server)
    own = bool(facts.pop("organisation"))
    return {**facts, "seen": when(server.seen), "own": own}


def tool_facts(tool: ToolEntry) -> dict[str, Any]:
    """A tool as JSON has it."""
    facts: dict[str, Any] = msgspec.to_builtins(tool)
    return {**facts, "first_seen": when(tool.first_seen), "last_seen": when(tool.last_seen)}


def _start(pages: Paging) -> int:
    return int(pages.after[0]) if pages.after else 0


def _page(pages: Paging, start: int, found: Found[Entry], describe: Callable[[Entry], object]) -> dict[str, Any]:
    end = start + len(found.items)
    follows = (end,) if found.items and end < found.total else None
    return {"items": [describe(item) for item in found.items], "next": pages.next(follows), "total": found.total}


def _server(found: ServerEntry | None, slug: str) -> ServerEntry:
    if found is None:
        raise _unknown("server", slug)
    return found


def _unknown(what: str, slug: str) -> NotStored:
    return NotStored(what, f"the catalogue has no {what} `{slug}`", "`/catalogue/tools?q=` finds it by its words")
