"""What machines read first: the map of the catalogue, what language models are told, and what robots may look at."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from toolgate.attacks.abuse import shipped
from toolgate.catalogue.store import Catalogue
from toolgate.control.pages.catalogue_reading import PREFIX, Answer, Reader, reading
from toolgate.control.pages.routing import state
from toolgate.site.attack_links import attack_paths
from toolgate.site.lists import Part, by_category, by_risk, by_signal
from toolgate.site.maps import llms_text, robots, sitemap, sitemap_index
from toolgate.site.surroundings import Surroundings

LIFE: Final = 3600.0
"""Seconds for which the map is kept."""
_DIGITS: Final = 5


class Kept:
    """The files of the map, made anew when somebody asks after LIFE: to make them reads the whole catalogue."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made = -LIFE
        self._parts: list[str] = []

    def parts(self, make: Callable[[], list[str]]) -> list[str]:
        """All parts. One thread makes them, others wait for it."""
        with self._lock:
            if time.monotonic() - self._made >= LIFE:
                self._parts, self._made = make(), time.monotonic()
            return self._parts


def _map(request: Request, reader: Reader) -> Answer:
    """The map, or with `?part=2` one of its parts: of public entries alone, for whoever reads it may hand it on."""
    here, kept = reader.here, request.app.state.maps
    parts = kept.parts(lambda: sitemap(here, _addresses(here, state(request).catalogue())))
    wanted = request.query_params.get("part", "")
    if wanted.isascii() and wanted.isdigit() and len(wanted) < _DIGITS and 0 < int(wanted) <= len(parts):
        return Response(parts[int(wanted) - 1], media_type="application/xml")
    address = here.origin + here.file("sitemap.xml")
    index = sitemap_index(f"{address}?part={number}" for number in range(1, len(parts) + 1))
    return Response(parts[0] if len(parts) == 1 else index, media_type="application/xml")


def _addresses(here: Surroundings, catalogue: Catalogue) -> Iterator[str]:
    counts = catalogue.counts()
    yield from (here.at(), here.at("search"))
    yield from (here.at(*path) for path in attack_paths(shipped().cases))
    yield from _pages(here, ("servers",), counts.servers)
    for risk, number in counts.by_risk.items():
        yield from _pages(here, by_risk(risk).path, number)
    for category, number in counts.by_category.items():
        yield from _pages(here, by_category(category).path, number)
    for signal, number in counts.by_signal.items():
        yield from _pages(here, by_signal(signal).path, number)
    yield from (here.at("policies", server.slug) for server in catalogue.all_servers())
    yield from (here.at("tools", tool.server_slug, tool.slug) for tool in catalogue.all_tools())


def _pages(here: Surroundings, path: tuple[str, ...], total: int) -> Iterator[str]:
    return (here.page(number, *path) for number in range(1, Part(1, total).pages + 1))


def _models(request: Request, reader: Reader) -> Answer:
    return PlainTextResponse(llms_text(reader.here, state(request).catalogue().counts(), shipped().cases))


async def _robots(request: Request) -> Response:
    """Robots are let into the catalogue where strangers are, and nowhere else."""
    here = state(request)
    if not here.settings.public_catalogue:
        return PlainTextResponse(robots(Surroundings(), ["Disallow: /"]))
    rules = [f"Allow: {PREFIX}", "Allow: /static/", f"Disallow: {PREFIX}/search", "Disallow: /"]
    return PlainTextResponse(robots(Surroundings(PREFIX, here.url), rules))


routes: list[BaseRoute] = [
    *reading("/sitemap.xml", _map, twin=False),
    *reading("/llms.txt", _models, twin=False),
    Route("/robots.txt", _robots, methods=["GET"]),
]
