"""The adviser as agents start it: over stdio and HTTP, with the official clients of two languages."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from subprocess import PIPE, Popen

import httpx2
import pytest
from mcp import Client, StdioServerParameters
from tests.adviser.conftest import fill
from tests.clients.clients import CLIENTS, NODE, Peer
from tests.clients.driving import driver

from toolgate.adviser.serving import read_address
from toolgate.catalogue.store import open_catalogue
from toolgate.store.errors import BadInput

TYPESCRIPT = next(client for client in CLIENTS if client.name == "ts2")
ASK: tuple[str, dict[str, str]] = ("check_server", {"server": "acme/notes"})


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory whose catalogue holds the box and the servers of these tests."""
    place = tmp_path_factory.mktemp("data")
    with open_catalogue(place) as catalogue:
        fill(catalogue)
    return place


def command(*options: str) -> list[str]:
    return [sys.executable, "-m", "toolgate", "catalogue", "serve-mcp", *options]


async def said(client: Client) -> tuple[bool, str]:
    result = await client.call_tool(*ASK)
    content = result.structured_content
    assert isinstance(content, dict)
    return content["known"], content["server"]


@pytest.mark.slow
async def test_over_stdio_it_knows_what_the_data_directory_knows(data: Path) -> None:
    program, *arguments = command("--data", str(data))
    async with Client(StdioServerParameters(command=program, args=arguments)) as client:
        assert [tool.name for tool in (await client.list_tools()).tools] == [
            *("check_server", "check_tool", "search_catalogue", "recommend_policy")
        ]
        assert await said(client) == (True, "acme/notes")


@pytest.mark.slow
async def test_without_a_data_directory_the_box_answers_and_nothing_is_made(tmp_path: Path) -> None:
    absent = tmp_path / "absent"
    program, *arguments = command("--data", str(absent))
    async with Client(StdioServerParameters(command=program, args=arguments)) as client:
        assert (await client.call_tool(*ASK)).structured_content["known"] is False
        found = await client.call_tool("search_catalogue", {"query": "delete", "category": "Destructive", "limit": 1})
        assert found.structured_content["total"] > 100
    assert not absent.exists()


@pytest.fixture
def address(data: Path) -> Iterator[str]:
    """The URL that it says on standard output once it listens."""
    with Popen(command("--data", str(data), "--http", "127.0.0.1:0"), stdout=PIPE, text=True) as process:
        assert process.stdout is not None
        words = process.stdout.readline().split()
        assert words[0] == "serving"
        yield words[1]
        process.terminate()
        process.stdout.read()


@pytest.mark.slow
async def test_over_http_clients_ask_at_once(address: str) -> None:
    async def one() -> tuple[bool, str]:
        async with Client(address) as client:
            return await said(client)

    assert set(await asyncio.gather(*(one() for _ in range(5)))) == {(True, "acme/notes")}


@pytest.mark.slow
async def test_a_page_of_a_browser_that_names_another_host_is_refused(address: str) -> None:
    async with httpx2.AsyncClient() as http:
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
        accept = {"Accept": "application/json, text/event-stream"}
        forged = await http.post(address, json=body, headers={**accept, "Host": "evil.example"})
        foreign = await http.post(address, json=body, headers={**accept, "Origin": "https://evil.example"})
    assert (forged.status_code, foreign.status_code) == (421, 403)


@pytest.mark.slow
@pytest.mark.parametrize("way", ["http", "stdio"])
def test_the_typescript_client_reads_the_same_answer(way: str, data: Path, address: str) -> None:
    if not TYPESCRIPT.environment.exists() or not NODE.exists():
        pytest.skip("needs `make clients`")
    words = ["http", address, "none"] if way == "http" else ["stdio", *command("--data", str(data))]
    with driver(Peer(TYPESCRIPT, "auto", way), words) as client:
        name, arguments = ASK
        answer = client.call(name, **arguments)
    assert (answer["structured"]["known"], answer["structured"]["server"]) == (True, "acme/notes")


@pytest.mark.parametrize(
    ("text", "address"),
    [("127.0.0.1:9000", ("127.0.0.1", 9000)), ("[::1]:0", ("::1", 0)), ("localhost:1", ("localhost", 1))],
)
def test_loopback_addresses_are_read(text: str, address: tuple[str, int]) -> None:
    assert read_address(text) == address


@pytest.mark.parametrize(
    "text", ["0.0.0.0:9000", "example.com:1", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:70000", ":9", "9"]
)
def test_every_other_address_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="--http"):
        read_address(text)
