"""A registry's answers: read page by page from a real server, whatever it says."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from tests.catalogue.samples import NOW, catalogue

from toolgate.catalogue import registry
from toolgate.catalogue.entries import ServerFacts
from toolgate.catalogue.registry import Page, RegistryError, endpoint, pages, read_page, saved
from toolgate.catalogue.slugs import slug
from toolgate.errors import ToolgateError
from toolgate.upstream.outbound import fetch

OFFICIAL = "io.modelcontextprotocol.registry/official"


def entry(name: str, **more: Any) -> dict[str, Any]:
    """One server as the specification has it."""
    server = {"name": name, "description": f"What {name} does", "version": "1.0.0", **more}
    return {"server": server, "_meta": {OFFICIAL: {"status": "active", "isLatest": True}}}


WEATHER = entry(
    "io.github.acme/weather",
    title="Weather",
    repository={"url": "https://github.com/acme/weather", "source": "github"},
    packages=[{"registryType": "npm", "identifier": "@acme/weather", "transport": {"type": "stdio"}}],
    remotes=[
        {"type": "sse", "url": "https://weather.example/sse"},
        {"type": "streamable-http", "url": "https://weather.example/mcp"},
    ],
)


@asynccontextmanager
async def registry_at(answer: Callable[[web.Request], web.StreamResponse]) -> AsyncIterator[str]:
    """A registry that answers so, and its address."""

    async def handle(request: web.Request) -> web.StreamResponse:
        return answer(request)

    application = web.Application()
    application.router.add_get("/v0.1/servers", handle)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def ask(url: str) -> bytes:
    answer = await fetch("GET", url, allow_loopback=True, limit=registry.MOST_PAGE, timeout=10)
    if answer.status != 200:
        raise RegistryError("registry", f"answered with status {answer.status}")
    return answer.body


async def everything(url: str) -> list[Page]:
    return [page async for page in pages(url, ask)]


async def test_cursors_are_followed_to_the_end_with_the_latest_versions_alone() -> None:
    asked: list[dict[str, str]] = []

    def answer(request: web.Request) -> web.Response:
        asked.append(dict(request.query))
        at = int(request.query.get("cursor", "c 0&=/").split()[1][0])
        metadata = {"count": 2, "nextCursor": f"c {at + 1}&=/"} if at < 2 else {"count": 2}
        return web.json_response({"servers": [entry(f"a/{at}"), entry(f"b/{at}")], "metadata": metadata})

    async with registry_at(answer) as url:
        found = await everything(url)
    assert [server.name for page in found for server in page.servers] == [
        f"{it}/{at}" for at in range(3) for it in "ab"
    ]
    assert [query.get("cursor", "") for query in asked] == ["", "c 1&=/", "c 2&=/"]
    assert {query["version"] for query in asked} == {"latest"}


async def test_a_cursor_that_comes_again_ends_it() -> None:
    def answer(_: web.Request) -> web.Response:
        return web.json_response({"servers": [WEATHER], "metadata": {"nextCursor": "again"}})

    async with registry_at(answer) as url:
        found = pages(url, ask)
        for _ in range(2):
            assert (await anext(found)).servers
        with pytest.raises(RegistryError, match="for the second time"):
            await anext(found)


async def test_cursors_without_end_are_followed_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "MOST_PAGES", 5)
    numbers = iter(range(100))

    def answer(_: web.Request) -> web.Response:
        return web.json_response({"servers": [], "metadata": {"nextCursor": str(next(numbers))}})

    async with registry_at(answer) as url:
        with pytest.raises(RegistryError, match="more than 5 pages"):
            await everything(url)
    assert next(numbers) == 5


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>busy</html>",
        b"[]",
        b"{}",
        b'{"servers": {}}',
        b'{"servers": [], "servers": []}',
        b'{"servers": [], "metadata": {"nextCursor": 7}}',
        b'{"servers": [], "metadata": {"nextCursor": "' + b"x" * 5000 + b'"}}',
        b"[" * 100_000,
    ],
)
async def test_an_answer_of_another_form_is_refused(body: bytes) -> None:
    async with registry_at(lambda _: web.Response(body=body, content_type="application/json")) as url:
        with pytest.raises(RegistryError, match=r"127\.0\.0\.1"):
            await everything(url)


async def test_an_answer_without_end_is_not_read_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "MOST_PAGE", 10_000)
    async with registry_at(lambda _: web.Response(body=b" " * 20_000)) as url:
        with pytest.raises(ToolgateError, match="10000"):
            await everything(url)


async def test_a_server_error_is_told() -> None:
    async with registry_at(lambda _: web.Response(status=503)) as url:
        with pytest.raises(RegistryError, match="status 503"):
            await everything(url)


def test_entries_that_are_none_are_named_and_others_kept() -> None:
    odd = [7, {}, {"server": []}, {"server": {"name": 7}}, WEATHER, {"server": {"name": "plain"}}]
    page = read_page(json.dumps({"servers": odd}).encode(), "here")
    assert [number for number, _ in page.bad] == [1, 2, 3, 4]
    assert [server.name for server in page.servers] == ["io.github.acme/weather", "plain"]


def test_an_entry_tells_package_and_address() -> None:
    page = read_page(json.dumps({"servers": [WEATHER], "metadata": None}).encode(), "here")
    assert page.servers == [
        ServerFacts(
            "io.github.acme/weather",
            title="Weather",
            about="What io.github.acme/weather does",
            version="1.0.0",
            repository="https://github.com/acme/weather",
            package="npm:@acme/weather",
            url="https://weather.example/mcp",
        )
    ]


@pytest.mark.parametrize(
    "more",
    [
        {"repository": 7, "packages": {}, "remotes": "x"},
        {"packages": [7, {"identifier": 7}], "remotes": [7, {"url": 7}, {"url": "javascript:alert(1)"}]},
        {"repository": {"url": []}, "title": None},
    ],
)
def test_fields_of_a_wrong_type_count_as_absent(more: dict[str, Any]) -> None:
    (server,) = read_page(json.dumps({"servers": [entry("a/b", **more)]}).encode(), "here").servers
    assert (server.title, server.repository, server.package, server.url) == ("", "", "", "")


def test_what_is_deleted_or_not_the_latest_is_left_out() -> None:
    old, gone = entry("a/old"), entry("a/gone")
    old["_meta"][OFFICIAL]["isLatest"] = False
    gone["_meta"][OFFICIAL]["status"] = "deleted"
    assert [
        server.name for server in read_page(json.dumps({"servers": [old, gone, WEATHER]}).encode(), "x").servers
    ] == ["io.github.acme/weather"]


def test_a_saved_answer_and_a_list_of_them_are_read() -> None:
    one = {"servers": [WEATHER], "metadata": {"nextCursor": "more"}}
    for value in (one, [one]):
        (page,) = saved(json.dumps(value).encode(), "file")
        assert (len(page.servers), page.next) == (1, "")
    for broken in (b"7", b"[7]", b"{"):
        with pytest.raises(RegistryError, match="file"):
            list(saved(broken, "file"))


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://registry.example", "https://registry.example/v0.1/servers"),
        ("https://registry.example/", "https://registry.example/v0.1/servers"),
        ("https://registry.example/sub", "https://registry.example/sub/v0.1/servers"),
        ("https://registry.example/v0/servers?limit=3", "https://registry.example/v0/servers"),
    ],
)
def test_a_registry_is_named_by_its_address_or_by_its_list(url: str, expected: str) -> None:
    assert endpoint(url) == expected


def test_a_server_of_a_known_repository_is_that_server_and_keeps_its_tools(tmp_path: Path) -> None:
    facts = ServerFacts(
        "io.github.acme/files", title="Files", repository="https://github.com/acme/Files", version="2.0"
    )
    with catalogue(tmp_path) as opened:
        told = opened.describe(facts, now=NOW)
        assert (told.name, told.source, told.tools, told.title, told.version) == (
            "acme/files",
            "box",
            2,
            "Files",
            "2.0",
        )
        assert opened.tool("acme--files", "read_file") is not None
        assert opened.servers(sought="files").total == 1
        again = opened.describe(facts, now=NOW)
        assert again == told


@pytest.mark.parametrize("name", ["io.github.evil/files", "com.acme/files", "acme/files-too"])
def test_who_claims_the_repository_of_another_gets_no_page_of_its_server(tmp_path: Path, name: str) -> None:
    with catalogue(tmp_path) as opened:
        before = opened.server("acme--files")
        opened.describe(ServerFacts(name, package="npm:evil", repository="https://github.com/acme/files"), now=NOW)
        assert opened.server("acme--files") == before
        claimed = opened.server(slug(name))
        assert claimed is not None
        assert claimed.tools == 0


def test_of_several_servers_of_one_repository_the_others_stand_alone(tmp_path: Path) -> None:
    with catalogue(tmp_path) as opened:
        for name, folder in (("one", ""), ("two", ""), ("three", "#part")):
            facts = ServerFacts(f"io.github.acme/{name}", repository=f"https://github.com/acme/files{folder}")
            opened.describe(facts, now=NOW)
        alone = {entry.name for entry in opened.all_servers() if entry.tools == 0}
        assert alone == {"io.github.acme/two", "io.github.acme/three"}
        unknown = opened.server(slug("io.github.acme/two"))
        assert unknown is not None
        assert (unknown.source, unknown.risk, unknown.counts["Read"]) == ("registry", None, 0)
