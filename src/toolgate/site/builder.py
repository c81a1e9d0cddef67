"""The whole catalogue as a site of files: a page and a twin of everything, lists, search, and maps for machines."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final, TypeAlias, TypeVar

import msgspec

from toolgate import __version__
from toolgate.attacks.abuse import BESIDE, Abuses, shipped
from toolgate.attacks.case import Case
from toolgate.catalogue.entries import ServerEntry, ToolEntry
from toolgate.design.page import Page
from toolgate.site import lists
from toolgate.site.abused import Examples, kind_of
from toolgate.site.addressed import tool_link
from toolgate.site.attack import attack_page
from toolgate.site.attack_links import kinds_of
from toolgate.site.attacks import attacks_page, kind_page, verdict_page
from toolgate.site.collection import Collection, Sheet
from toolgate.site.folder import MARK, replacing, size_of
from toolgate.site.frameworks import frameworks_page
from toolgate.site.home import home_page
from toolgate.site.making import catalogue_page
from toolgate.site.maps import llms_text, robots, sitemap, sitemap_index
from toolgate.site.policies import policies
from toolgate.site.rendering import Renderer
from toolgate.site.search_index import search_files
from toolgate.site.searching import index_page
from toolgate.site.server import PLAIN, TIGHTENED, server_page
from toolgate.site.surroundings import Surroundings
from toolgate.site.tool import tool_page
from toolgate.site.verdicts import VERDICTS

Progress: TypeAlias = Callable[[int, int], None]
"""Told how many pages are written, of how many."""
_AT_ONCE: Final = 24
"""Servers, or sheets of lists, that a process is given at a time."""
T = TypeVar("T")


@dataclass(slots=True, frozen=True)
class Stock:
    """A server with all that its pages need."""

    server: ServerEntry
    tools: list[ToolEntry]
    beside: list[list[dict[str, Any]]]
    attacks: list[tuple[Case, ...]]
    """Those that abuse each tool."""
    attacked: tuple[Case, ...]
    """Those that abuse the server's tools."""


@dataclass(slots=True, frozen=True)
class Built:
    """What was written: numbers of servers, tools, pages for people and files, and bytes of all files."""

    servers: int
    tools: int
    pages: int
    files: int
    bytes: int


def build(
    collection: Collection,
    out: Path,
    here: Surroundings,
    *,
    processes: int = 1,
    progress: Progress = lambda _done, _all: None,
    abuses: Abuses | None = None,
) -> Built:
    """Write the site to `out`, in place of one that was built there before; the same catalogue gives the same bytes.

    `abuses` are the attacks to write of, by default all that ship.

    Raises ToolgateError where `out` holds something else, or cannot be written. Then nothing changes there.
    """
    sheets = list(collection.sheets())
    servers = list(_server_sheets(here, collection))
    abuses = abuses or shipped()
    attacks = list(_attack_pages(here, collection, abuses.cases))
    number = len(collection.servers) + len(collection.brief) + len(sheets) + len(servers) + len(attacks) + 2
    with replacing(out) as folder:
        writer = Writer(folder, here)
        for page in (
            home_page(here, collection.counts(), abuses.cases),
            _search(writer, collection, abuses.cases),
            *servers,
            *attacks,
        ):
            writer.page(page)
        done = 2 + len(servers) + len(attacks)
        for written in _spread(_tasks(collection, sheets, here, abuses), folder, here, processes):
            done += written
            progress(done, number)
        _extras(writer, collection, sheets, [*servers, *attacks], abuses.cases)
    return Built(len(collection.servers), len(collection.brief), number, *size_of(out))


class Writer:
    """Writes pages into the folder of a site."""

    def __init__(self, folder: Path, here: Surroundings) -> None:
        self.folder = folder
        self.here = here
        self.renderer = Renderer(here)
        self._made: set[Path] = set()

    def page(self, page: Page) -> None:
        """A page and its twin, at its address."""
        address, twin = page.view["address"], page.view["twin"]
        self.file(f"{address}index.html", self.renderer.html(page).encode("utf-8", "replace"))
        self.file(twin, msgspec.json.encode(page.data))

    def file(self, address: str, content: bytes) -> None:
        """A file at an address below the prefix."""
        file = self.folder / address.removeprefix(self.here.prefix).lstrip("/")
        if file.parent not in self._made:
            file.parent.mkdir(parents=True, exist_ok=True)
            self._made.add(file.parent)
        file.write_bytes(content)

    def stock(self, stock: Stock) -> int:
        """All pages of a server; returns how many."""
        here, server = self.here, stock.server
        whole = policies(stock.tools, server.name)
        self.page(server_page(here, server, stock.tools, whole, stock.attacked))
        self.policy(server, PLAIN, whole.text)
        if whole.tightened:
            self.policy(server, TIGHTENED, whole.tightened.text)
        for tool, beside, attacks in zip(stock.tools, stock.beside, stock.attacks, strict=True):
            self.page(tool_page(here, tool, server, whole.text, beside, attacks))
        return 1 + len(stock.tools)

    def policy(self, server: ServerEntry, name: str, text: str) -> None:
        """A policy of a server, to download."""
        self.file(self.here.file(f"policies/{server.slug}/{name}"), text.encode())

    def sheet(self, sheet: Sheet) -> int:
        """One page of a list."""
        self.page(lists.tools_page(self.here, sheet.listing, sheet.part, sheet.tools))
        return 1


_writers: Final[dict[tuple[Path, Surroundings], Writer]] = {}
"""Of a process that writes: templates are compiled once."""


def _write(folder: Path, here: Surroundings, batch: list[Stock | Sheet]) -> int:
    writer = _writers.setdefault((folder, here), Writer(folder, here))
    return sum(writer.stock(each) if isinstance(each, Stock) else writer.sheet(each) for each in batch)


def _spread(tasks: Iterable[list[Stock | Sheet]], folder: Path, here: Surroundings, processes: int) -> Iterator[int]:
    """Write every batch, here or in processes of their own; gives how many pages each was."""
    if processes == 1:
        yield from (_write(folder, here, batch) for batch in tasks)
        return
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool:
        batches = list(tasks)
        yield from pool.map(_write, [folder] * len(batches), [here] * len(batches), batches)


def _tasks(
    collection: Collection, sheets: list[Sheet], here: Surroundings, abuses: Abuses
) -> Iterator[list[Stock | Sheet]]:
    beside = collection.beside(here)
    stocks = (
        Stock(server, tools, [beside[tool.server_slug, tool.slug] for tool in tools], *_attacks(tools, abuses))
        for server in collection.servers
        for tools in [collection.tools[server.slug]]
    )
    yield from _batched(stocks)
    yield from _batched(sheets)


def _batched(items: Iterable[T]) -> Iterator[list[Any]]:
    rest = iter(items)
    while batch := list(islice(rest, _AT_ONCE)):
        yield batch


def _attacks(tools: list[ToolEntry], abuses: Abuses) -> tuple[list[tuple[Case, ...]], tuple[Case, ...]]:
    kinds = [kind_of(tool) for tool in tools]
    return [abuses.of(*kind)[:BESIDE] for kind in kinds], abuses.of_all(kinds)[:BESIDE]


def _attack_pages(here: Surroundings, collection: Collection, cases: Sequence[Case]) -> Iterator[Page]:
    examples, listed = Examples(collection.brief), collection.counts().by_signal
    yield attacks_page(here, cases)
    yield frameworks_page(here, cases)
    yield from (kind_page(here, kind, cases) for kind in kinds_of(cases))
    yield from (verdict_page(here, verdict, cases) for verdict in VERDICTS)
    yield from (
        attack_page(here, case, [tool_link(here, tool) for tool in examples.of(case)], listed=listed) for case in cases
    )


def _server_sheets(here: Surroundings, collection: Collection) -> Iterator[Page]:
    total = len(collection.servers)
    for number in range(1, lists.Part(1, total).pages + 1):
        part = lists.Part(number, total)
        yield lists.servers_page(here, part, collection.servers[part.start : part.start + lists.PAGE])


def _search(writer: Writer, collection: Collection, cases: Sequence[Case]) -> Page:
    """The files of the search, and its page."""
    for name, content in search_files(collection.servers, collection.brief, cases).items():
        writer.file(writer.here.file(f"search/{name}.json"), msgspec.json.encode(content))
    return index_page(writer.here, collection.letters(), writer.here.file("search"))


def _extras(
    writer: Writer, collection: Collection, sheets: list[Sheet], pages: list[Page], cases: Sequence[Case]
) -> None:
    """What is no page: assets, maps, the page for what is not there, and the mark."""
    here = writer.here
    missing = catalogue_page(here, "missing", "Not found", ("404",), {})
    writer.file(here.file("404.html"), writer.renderer.html(missing).encode())
    for name, content in writer.renderer.assets.files.items():
        writer.file(here.file(f"assets/{writer.renderer.assets.path(name)}"), content)
    writer.file(here.file("llms.txt"), llms_text(here, collection.counts(), cases).encode())
    writer.file(here.file("robots.txt"), robots(here).encode())
    if here.origin:
        _map(writer, sitemap(here, _addresses(collection, sheets, pages, here)))
    mark = {"made_by": f"toolgate {__version__}", "servers": len(collection.servers), "tools": len(collection.brief)}
    writer.file(here.file(MARK), msgspec.json.encode(mark))


def _map(writer: Writer, parts: list[str]) -> None:
    here = writer.here
    names = ["sitemap.xml"] if len(parts) == 1 else [f"sitemap-{number}.xml" for number in range(1, len(parts) + 1)]
    for name, part in zip(names, parts, strict=True):
        writer.file(here.file(name), part.encode())
    if len(parts) > 1:
        index = sitemap_index(here.origin + here.file(name) for name in names)
        writer.file(here.file("sitemap.xml"), index.encode())


def _addresses(collection: Collection, sheets: list[Sheet], pages: list[Page], here: Surroundings) -> Iterator[str]:
    yield from (here.at(), here.at("search"))
    yield from (page.view["address"] for page in pages)
    yield from (here.page(sheet.part.number, *sheet.listing.path) for sheet in sheets)
    for server in collection.servers:
        yield here.at("policies", server.slug)
        yield from (here.at("tools", tool.server_slug, tool.slug) for tool in collection.tools[server.slug])
