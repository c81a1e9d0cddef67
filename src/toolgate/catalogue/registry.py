"""What an MCP registry says of servers (`GET /v0.1/servers`): read page by page, or from an answer that was saved.

A registry tells where a server is and what starts it, not its tools.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias
from urllib.parse import urlencode, urlsplit

from toolgate.catalogue.entries import ServerFacts
from toolgate.classifier.parameters import text_of
from toolgate.errors import ToolgateError
from toolgate.protocol.json_rules import parse
from toolgate.store.names import shown

MOST_PAGES: Final = 5_000
MOST_PAGE: Final = 16 * 1024 * 1024
"""Bytes of one answer."""
MOST_CURSOR: Final = 4_096
"""Characters of a cursor."""
_PATH: Final = "/v0.1/servers"
_LIMIT: Final = 100
_OFFICIAL: Final = "io.modelcontextprotocol.registry/official"
Ask: TypeAlias = Callable[[str], Awaitable[bytes]]
"""Answers a URL with the body of what came; raises ToolgateError for anything but success."""


class RegistryError(ToolgateError):
    """A registry's answer that is not what its specification says. What came before it counts."""


@dataclass(slots=True)
class Page:
    """One answer: servers, entries that are none with their place in it, and the cursor of the next, "" at the end."""

    servers: list[ServerFacts] = field(default_factory=list)
    bad: list[tuple[int, str]] = field(default_factory=list)
    next: str = ""


async def pages(url: str, ask: Ask) -> AsyncIterator[Page]:
    """Every page of a registry, the latest version of each server. Raises ToolgateError.

    A cursor that comes twice ends it, and so does the 5,000th page: no registry keeps us for ever.
    """
    base = endpoint(url)
    cursors = {""}
    cursor = ""
    for _ in range(MOST_PAGES):
        query = {"limit": _LIMIT, "version": "latest", **({"cursor": cursor} if cursor else {})}
        page = read_page(await ask(f"{base}?{urlencode(query)}"), _place(base))
        yield page
        cursor = page.next
        if not cursor:
            return
        if cursor in cursors:
            raise RegistryError(_place(base), "gave a cursor for the second time", "ask who runs the registry")
        cursors.add(cursor)
    raise RegistryError(_place(base), f"has more than {MOST_PAGES} pages", "import a saved answer in parts")


def endpoint(url: str) -> str:
    """The list of servers of a registry, which may be given by its address alone."""
    bare = url.partition("?")[0].rstrip("/")
    return bare if bare.endswith("/servers") else bare + _PATH


def read_page(body: bytes, place: str) -> Page:
    """One answer. Raises RegistryError where it has another form; a server that has one is named in `bad`."""
    try:
        value = parse(body, place)
    except ToolgateError as error:
        raise RegistryError(place, f"its answer {error.cause}", "check the address") from None
    if not isinstance(value, Mapping) or not isinstance(value.get("servers"), list):
        raise RegistryError(place, "its answer holds no list of `servers`", "check the address")
    page = Page(next=_cursor(value.get("metadata"), place))
    for number, entry in enumerate(value["servers"], start=1):
        _add(page, number, entry)
    return page


def saved(body: bytes, place: str) -> Iterator[Page]:
    """The pages of a file: one answer, or a list of answers. Raises RegistryError."""
    try:
        value = parse(body, place)
    except ToolgateError as error:
        raise RegistryError(place, error.cause, "save an answer of `GET /v0.1/servers`") from None
    for answer in value if isinstance(value, list) else [value]:
        if not isinstance(answer, Mapping) or not isinstance(answer.get("servers"), list):
            raise RegistryError(place, "holds no list of `servers`", "save an answer of `GET /v0.1/servers`")
        page = Page()
        for number, entry in enumerate(answer["servers"], start=1):
            _add(page, number, entry)
        yield page


def facts(server: Mapping[str, Any]) -> ServerFacts:
    """What an entry says of a server; fields of a wrong type count as absent."""
    repository = server.get("repository")
    url = text_of(repository.get("url")) if isinstance(repository, Mapping) else ""
    folder = text_of(repository.get("subfolder")) if isinstance(repository, Mapping) else ""
    return ServerFacts(
        name=text_of(server.get("name")),
        title=text_of(server.get("title")),
        about=text_of(server.get("description")),
        version=text_of(server.get("version")),
        repository=f"{url}#{folder}" if url and folder else url,
        package=_package(server.get("packages")),
        url=_remote(server.get("remotes")),
    )


def _add(page: Page, number: int, entry: object) -> None:
    server = entry.get("server") if isinstance(entry, Mapping) else None
    if not isinstance(entry, Mapping) or not isinstance(server, Mapping):
        page.bad.append((number, "is no object with a `server`"))
        return
    told = facts(server)
    if not told.name:
        page.bad.append((number, "has no `name`"))
    elif _counts(entry.get("_meta")):
        page.servers.append(told)


def _counts(meta: object) -> bool:
    """Whether an entry is the latest version of a server that is not deleted; a registry need not say so."""
    official = meta.get(_OFFICIAL) if isinstance(meta, Mapping) else None
    if not isinstance(official, Mapping):
        return True
    return official.get("status") != "deleted" and official.get("isLatest") is not False


def _cursor(metadata: object, place: str) -> str:
    cursor = metadata.get("nextCursor") if isinstance(metadata, Mapping) else None
    if cursor is None:
        return ""
    if not isinstance(cursor, str) or len(cursor) > MOST_CURSOR:
        raise RegistryError(place, "its `nextCursor` is no text of usual length", "ask who runs the registry")
    return cursor


def _package(packages: object) -> str:
    for package in packages if isinstance(packages, list) else []:
        if isinstance(package, Mapping) and text_of(package.get("identifier")):
            return f"{text_of(package.get('registryType')) or 'package'}:{text_of(package.get('identifier'))}"
    return ""


def _remote(remotes: object) -> str:
    """The first address to reach it at, one of the present transport before one of the older."""
    listed = [each for each in remotes if isinstance(each, Mapping)] if isinstance(remotes, list) else []
    listed.sort(key=lambda each: each.get("type") != "streamable-http")
    urls = (text_of(each.get("url")) for each in listed)
    return next((url for url in urls if url.startswith(("https://", "http://"))), "")


def _place(url: str) -> str:
    parts = urlsplit(url)
    return shown(f"{parts.scheme}://{parts.hostname}")
