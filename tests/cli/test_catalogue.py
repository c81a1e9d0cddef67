"""`toolgate catalogue` on the catalogue that is shipped."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from tests.cli.conftest import Toolgate

from toolgate.catalogue.store import open_catalogue
from toolgate.policy.document import parse

pytestmark = pytest.mark.slow

LINES = [
    {"server": "acme/crm", "title": "list_contacts", "description": "List contacts."},
    {"server": "acme/crm", "title": "delete_contact", "description": "Delete a contact for good."},
    {"server": "Погода\u202e/天気", "name": "天気\x1b[2J", "description": "Forecast."},
]


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that holds what is shipped."""
    place = tmp_path_factory.mktemp("loaded")
    with open_catalogue(place):
        pass
    return place / "catalogue.db"


@pytest.fixture(autouse=True)
def shipped(loaded: Path, data: Path) -> None:
    data.mkdir(mode=0o700, exist_ok=True)
    shutil.copy(loaded, data / "catalogue.db")


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    file = tmp_path / "tools.jsonl"
    file.write_text("".join(f"{json.dumps(line)}\n" for line in LINES))
    return file


def test_a_tool_is_found_though_it_is_misspelt(toolgate: Toolgate) -> None:
    found = toolgate("catalogue", "search", "delte_repo", "--json").json
    assert "delete_repository" in [item["name"] for item in found["items"][:3]]
    table = toolgate("catalogue", "search", "stripee", "refund").out
    assert "stripe/agent-toolkit  create_refund  Financial  Critical" in table


def test_filters_are_met_and_what_is_not_shown_is_counted(toolgate: Toolgate) -> None:
    done = toolgate("catalogue", "search", "--category", "Financial", "--signal", "secret", "--limit", "1", "--json")
    assert done.json["total"] > len(done.json["items"]) == 1
    some = toolgate("catalogue", "search", "delete", "--limit", "2")
    assert "--limit shows more" in some.err
    toolgate("catalogue", "search", "--risk", "Enormous", code=2)
    assert toolgate("catalogue", "search", "xyzzyqq").err == "nothing found\n"


def test_a_server_is_named_by_its_name_or_slug(toolgate: Toolgate) -> None:
    for reference in ("stripe/agent-toolkit", "stripe--agent-toolkit"):
        shown = toolgate("catalogue", "show", reference, "--json").json
        assert (shown["name"], len(shown["items"])) == ("stripe/agent-toolkit", shown["tools"])
    one = toolgate("catalogue", "show", "stripe/agent-toolkit", "create_refund")
    assert "Financial" in one.out
    done = toolgate("catalogue", "show", "agent-toolkt", code=2)
    assert "perhaps one of" in done.err
    assert "there is no tool" in toolgate("catalogue", "show", "stripe/agent-toolkit", "nobody", code=2).err


def test_the_recommended_policy_is_one(toolgate: Toolgate) -> None:
    for options in ((), ("--tightened",)):
        done = toolgate("catalogue", "recommend", "github/github-mcp-server", *options)
        parse(done.out)
        assert '"delete_repository"' in done.out


def test_a_file_is_imported_and_a_second_one_tells_what_changed(toolgate: Toolgate, lines: Path) -> None:
    assert toolgate("catalogue", "import", str(lines)).out == (
        "stored 3 tools of 2 servers: 3 added, 0 changed, 0 removed\n"
    )
    lines.write_text(json.dumps({**LINES[0], "description": "List all contacts."}))
    done = toolgate("catalogue", "import", str(lines), "--json").json
    assert (done["changed"], done["removed"], done["problems"]) == (1, 1, [])
    newest, oldest = toolgate("catalogue", "history", "acme/crm", "list_contacts", "--json").json
    assert (newest["changed"], oldest["changed"]) == (["description"], [])
    assert "description" in toolgate("catalogue", "history", "acme/crm", "list_contacts").out


def test_bad_lines_are_named_and_the_rest_is_stored(toolgate: Toolgate, lines: Path) -> None:
    lines.write_bytes(b"{\n" + json.dumps(LINES[0]).encode() + b'\n{"server": "a"}\n')
    done = toolgate("catalogue", "import", str(lines), code=1)
    assert "line 1: " in done.err
    assert "line 3: has neither" in done.err
    assert "stored 1 tools of 1 servers" in done.out
    lines.write_bytes(b"{\n")
    toolgate("catalogue", "import", str(lines), code=2)
    toolgate("catalogue", "import", str(lines.with_name("nowhere")), code=2)
    toolgate("catalogue", "import", code=2)


def test_nothing_from_outside_moves_the_cursor(toolgate: Toolgate, lines: Path) -> None:
    toolgate("catalogue", "import", str(lines))
    name = "Погода\u202e/天気"
    for arguments in (("search", "forecast", "--server", name), ("show", name), ("show", name, "天気\x1b[2J")):
        out = toolgate("catalogue", *arguments).out
        assert "\x1b" not in out
        assert "\u202e" not in out
        assert "\\x1b[2J" in out


def test_what_is_imported_as_scanned_is_not_public(toolgate: Toolgate, lines: Path, data: Path) -> None:
    toolgate("catalogue", "import", str(lines), "--source", "scan")
    assert toolgate("catalogue", "search", "--server", "acme/crm", "--json").json["total"] == 2
    with open_catalogue(data) as opened:
        assert opened.server("acme--crm") is None


class Registry(BaseHTTPRequestHandler):
    """Two pages of a registry, then a failure for whoever asks for a third."""

    def do_GET(self) -> None:
        pages: dict[str, tuple[int, Any]] = {
            "": (200, _page("io.github.stripe/agent-toolkit", "two")),
            "two": (200, _page("com.example/other", "three" if "broken" in self.path else "")),
        }
        cursor = self.path.partition("cursor=")[2]
        status, body = pages.get(cursor, (503, {"error": "busy"}))
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


def _page(name: str, cursor: str) -> dict[str, Any]:
    repository = {"url": "https://github.com/stripe/agent-toolkit", "source": "github"}
    server = {"name": name, "description": "Payments.", "version": "9.9", "repository": repository}
    return {"servers": [{"server": server}, {"bad": 1}], "metadata": {"nextCursor": cursor}}


@pytest.fixture
def registry() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Registry)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_registry_is_read_to_its_end_and_tools_stay(toolgate: Toolgate, registry: str) -> None:
    done = toolgate("catalogue", "import", "--registry", registry, "--json", code=1).json
    assert (done["servers"], done["problems"]) == (
        2,
        [f"page {n}: entry 2: is no object with a `server`" for n in (1, 2)],
    )
    shown = toolgate("catalogue", "show", "stripe/agent-toolkit", "--json").json
    assert (shown["version"], shown["tools"] > 0) == ("9.9", True)
    assert toolgate("catalogue", "show", "com.example/other", "--json").json["tools"] == 0


def test_what_came_before_a_registry_failed_is_stored(toolgate: Toolgate, registry: str) -> None:
    done = toolgate("catalogue", "import", "--registry", f"{registry}/broken", code=3)
    assert "status 503" in done.err
    assert toolgate("catalogue", "show", "com.example/other", "--json").json["source"] == "registry"


def test_a_saved_answer_is_read(toolgate: Toolgate, tmp_path: Path) -> None:
    file = tmp_path / "answer.json"
    file.write_text(json.dumps({"servers": [{"server": {"name": "com.example/saved"}}]}))
    assert "1 servers" in toolgate("catalogue", "import", "--registry", str(file)).out
    toolgate("catalogue", "import", "--registry", str(tmp_path / "nowhere"), code=2)


def test_a_private_address_is_asked_only_by_leave(toolgate: Toolgate) -> None:
    done = toolgate("catalogue", "import", "--registry", "https://10.0.0.1", code=3)
    assert "10.0.0.1" in done.err


def test_a_box_is_packed_from_data(toolgate: Toolgate, lines: Path, tmp_path: Path) -> None:
    out = tmp_path / "box.jsonl.xz"
    packed = tmp_path / "tools.gz"
    packed.write_bytes(gzip.compress(lines.read_bytes()))
    toolgate("catalogue", "pack", str(lines), "--out", str(out))
    first = out.read_bytes()
    toolgate("catalogue", "pack", str(packed), "--out", str(out))
    assert out.read_bytes() == first
    lines.write_text("{")
    toolgate("catalogue", "pack", str(lines), "--out", str(out), code=2)
