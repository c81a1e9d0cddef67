"""`/catalogue`: servers and tools that are known, how risky they are, and the policies that they ask for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from toolgate.attacks.abuse import shipped
from toolgate.catalogue.entries import Found, ServerEntry, ToolEntry
from toolgate.catalogue.store import Catalogue
from toolgate.classifier.recommend import recommend_entries, written
from toolgate.control.pages.catalogue_reading import Answer, Reader, missing, reading
from toolgate.control.pages.routing import state
from toolgate.design.page import Page
from toolgate.site import lists, searching
from toolgate.site.abused import kind_of
from toolgate.site.addressed import tool_link
from toolgate.site.home import home_page
from toolgate.site.lists import PAGE, Listing, Part
from toolgate.site.policies import policies
from toolgate.site.server import PLAIN, TIGHTENED, server_page
from toolgate.site.told import CATEGORIES, RISKS, SIGNALS
from toolgate.site.tool import OTHERS, tool_page

_SERVERS_FOUND: Final = 10
_ATTACKS_FOUND: Final = 10
_SHORT: Final = 50
"""Tools of a server whose whole policy may be short enough to stand on the page of each of them."""
_DIGITS: Final = 7
_NOWHERE: Final = 10**_DIGITS
"""A page that no list has."""


def _home(request: Request, reader: Reader) -> Page:
    return home_page(reader.here, _catalogue(request).counts(), shipped().cases)


def _servers(request: Request, reader: Reader) -> Page:
    number = _page_number(request)
    start = (number - 1) * PAGE
    found = _catalogue(request).servers(organisation=reader.organisation, start=start, limit=PAGE)
    part = Part(number, found.total)
    return lists.servers_page(reader.here, part, found.items) if number <= part.pages else missing(reader)


def _tool(request: Request, reader: Reader) -> Page:
    catalogue, of = _catalogue(request), reader.organisation
    server = _server_named(request, reader)
    tool = catalogue.tool(server.slug, request.path_params["tool_slug"], of) if server else None
    if server is None or tool is None:
        return missing(reader)
    whole = written(recommend_entries(catalogue.every_tool(server.slug, of))) if server.tools <= _SHORT else ""
    others = _others(catalogue, tool, of)
    links = [tool_link(reader.here, other) for other in others]
    return tool_page(reader.here, tool, server, whole, links, shipped().of(*kind_of(tool)))


def _others(catalogue: Catalogue, tool: ToolEntry, organisation: str) -> list[ToolEntry]:
    """Tools of its category on other servers, those first that are named like it."""
    alike = catalogue.tools(sought=tool.name, category=tool.category, organisation=organisation, limit=4 * OTHERS).items
    any_ = catalogue.tools(category=tool.category, organisation=organisation, limit=2 * OTHERS).items
    found = {(each.server_slug, each.slug): each for each in (*alike, *any_) if each.server_slug != tool.server_slug}
    return list(found.values())[:OTHERS]


def _server(request: Request, reader: Reader) -> Page:
    server = _server_named(request, reader)
    if server is None:
        return missing(reader)
    tools = _catalogue(request).every_tool(server.slug, reader.organisation)
    attacks = shipped().of_all(kind_of(tool) for tool in tools)
    return server_page(reader.here, server, tools, policies(tools, server.name), attacks)


def _download(name: str) -> Callable[[Request, Reader], Answer]:
    """A policy of a server as a file; the plain one where its arguments ask for nothing."""

    def look(request: Request, reader: Reader) -> Answer:
        server = _server_named(request, reader)
        if server is None:
            return missing(reader)
        found = policies(_catalogue(request).every_tool(server.slug, reader.organisation), server.name)
        text = found.tightened.text if name == TIGHTENED and found.tightened else found.text
        headers = {"content-disposition": f'attachment; filename="{name}"'}
        return Response(text, headers=headers, media_type="application/json")

    return look


def _tools(listing: Listing, **filters: str) -> Callable[[Request, Reader], Page]:
    """The list of the tools that fit these filters."""

    def look(request: Request, reader: Reader) -> Page:
        number = _page_number(request)
        start = (number - 1) * PAGE
        wanted: dict[str, Any] = {**filters, "organisation": reader.organisation}
        found = _catalogue(request).tools(**wanted, start=start, limit=PAGE)
        part = Part(number, found.total)
        return lists.tools_page(reader.here, listing, part, found.items) if number <= part.pages else missing(reader)

    return look


def _lists() -> Iterator[BaseRoute]:
    for risk in RISKS:
        yield from _list_routes(lists.by_risk(risk), risk=risk)
    for category in CATEGORIES:
        yield from _list_routes(lists.by_category(category), category=category)
    for signal in SIGNALS:
        yield from _list_routes(lists.by_signal(signal), signal=signal)


def _list_routes(listing: Listing, **filters: str) -> list[BaseRoute]:
    return reading("/" + "/".join(listing.path), _tools(listing, **filters))


def _search(request: Request, reader: Reader) -> Page:
    wanted = searching.Wanted.read(request.query_params)
    if not wanted.anything:
        return searching.results_page(reader.here, wanted, None)
    catalogue, filters = _catalogue(request), wanted.filters
    start = (wanted.page - 1) * PAGE
    tools = catalogue.tools(**filters, organisation=reader.organisation, start=start, limit=PAGE)
    servers: Found[ServerEntry] = Found([], 0)
    if wanted.sought and wanted.page == 1:
        servers = catalogue.servers(**filters, organisation=reader.organisation, limit=_SERVERS_FOUND)
    attacks = searching.attacks_named(shipped().cases, wanted.sought) if wanted.page == 1 else []
    return searching.results_page(reader.here, wanted, tools, servers.items, attacks[:_ATTACKS_FOUND])


def _server_named(request: Request, reader: Reader) -> ServerEntry | None:
    return _catalogue(request).server(request.path_params["slug"], reader.organisation)


def _catalogue(request: Request) -> Catalogue:
    return state(request).catalogue()


def _page_number(request: Request) -> int:
    """The page of a list, from 1; one that there is none of for what is no number."""
    text = request.query_params.get("page", "1")
    return int(text) if text.isascii() and text.isdigit() and len(text) < _DIGITS and int(text) else _NOWHERE


routes: list[BaseRoute] = [
    *reading("", _home),
    *reading("/servers", _servers),
    *reading("/search", _search),
    *reading("/tools/{slug}/{tool_slug}", _tool),
    *reading("/policies/{slug}", _server),
    *reading(f"/policies/{{slug}}/{PLAIN}", _download(PLAIN), twin=False),
    *reading(f"/policies/{{slug}}/{TIGHTENED}", _download(TIGHTENED), twin=False),
    *_lists(),
]
