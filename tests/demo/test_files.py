import sys
from pathlib import Path

import pytest
from mcp import Client
from mcp.client.client import ConnectMode
from mcp_types import CallToolResult, TextContent

from toolgate.demo.children import child
from toolgate.demo.files import files_server


def text(result: CallToolResult) -> str:
    block = result.content[0]
    assert isinstance(block, TextContent)
    return block.text


async def test_files_are_listed_read_written_and_deleted(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("remember")
    async with Client(files_server(tmp_path)) as client:
        assert (await client.call_tool("list_files")).structured_content == {"result": ["notes.txt"]}
        assert text(await client.call_tool("read_file", {"path": "notes.txt"})) == "remember"
        await client.call_tool("write_file", {"path": "new.txt", "text": "fresh"})
        assert (tmp_path / "new.txt").read_text() == "fresh"
        await client.call_tool("delete_file", {"path": "notes.txt"})
        assert not (tmp_path / "notes.txt").exists()


@pytest.mark.parametrize("path", ["../secret", "/etc/passwd", "missing.txt", "-x", ""])
async def test_what_is_not_a_file_of_the_folder_is_refused(tmp_path: Path, path: str) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "secret").write_text("hidden")
    async with Client(files_server(tmp_path / "root")) as client:
        for tool in ("read_file", "delete_file"):
            assert (await client.call_tool(tool, {"path": path})).is_error
    assert (tmp_path / "secret").read_text() == "hidden"


async def test_a_folder_is_not_written_as_a_file(tmp_path: Path) -> None:
    async with Client(files_server(tmp_path)) as client:
        for path in (".", "missing/file.txt"):
            assert (await client.call_tool("write_file", {"path": path, "text": "x"})).is_error


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
async def test_it_serves_both_eras_over_http(tmp_path: Path, mode: ConnectMode) -> None:
    (tmp_path / "notes.txt").write_text("remember")
    words = [sys.executable, "-m", "toolgate.demo.files", "--root", str(tmp_path), "--http", "0"]
    with child(words, tmp_path / "log", r"serving (http://\S+)") as address:
        async with Client(address, mode=mode) as client:
            assert text(await client.call_tool("read_file", {"path": "notes.txt"})) == "remember"
