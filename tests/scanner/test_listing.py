"""What a server says beside its tools is heard in both eras; whatever it does there, its tools are not lost."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from toolgate.scanner.asking import Heard, ask_one
from toolgate.scanner.judging import judge
from toolgate.scanner.listing import MOST
from toolgate.scanner.targets import Reached, Target

from .servers import EVERYTHING, talking, target

PROMPTS = '{"prompts": [{"name": "summarize"}]}'
RESOURCES = '{"resources": [{"uri": "file:///x", "name": "x"}]}'
TEMPLATES = '{"resourceTemplates": [{"uriTemplate": "file:///{path}", "name": "files"}]}'
FULL = {"prompts": PROMPTS, "resources": RESOURCES, "templates": TEMPLATES}
LABELS = ["instructions", "prompt summarize", "resource file:///x", "template file:///{path}"]


async def ask(
    hello: Mapping[str, object], answers: Mapping[str, str], era: str = "handshake", timeout: float = 20.0
) -> Heard:
    return await ask_one(target("one", talking(hello, answers, era)), timeout)


def labels(heard: Heard) -> list[str]:
    return [item.label for item in heard.beside.items]


def problems(heard: Heard) -> list[tuple[str, str]]:
    return [(each.rule, each.place) for each in heard.beside.problems]


def has_its_tool(heard: Heard) -> bool:
    return heard.failure is None and [tool["name"] for tool in heard.tools] == ["add"]


@pytest.mark.parametrize("era", ["handshake", "modern", "lax"])
async def test_instructions_prompts_resources_and_templates_are_heard_in_every_era(era: str) -> None:
    heard = await ask({**EVERYTHING, "instructions": "Add with care."}, FULL, era)
    assert (labels(heard), problems(heard), has_its_tool(heard)) == (LABELS, [], True)


@pytest.mark.parametrize("era", ["handshake", "modern"])
async def test_what_is_not_declared_is_not_asked_for(era: str) -> None:
    declared: list[dict[str, object]] = [{}, {"tools": {}}, {"tools": {}, "prompts": None}]
    for capabilities in declared:
        heard = await ask({"capabilities": capabilities}, FULL, era)
        assert (labels(heard), problems(heard), has_its_tool(heard)) == ([], [], True)


@pytest.mark.parametrize("era", ["handshake", "modern"])
async def test_a_list_that_the_server_does_not_know_is_no_problem(era: str) -> None:
    heard = await ask(EVERYTHING, {"resources": RESOURCES}, era)
    assert (labels(heard), problems(heard), has_its_tool(heard)) == (["resource file:///x"], [], True)


async def test_a_server_that_says_nothing_of_itself_keeps_its_tools() -> None:
    heard = await ask(EVERYTHING, FULL, "mute")
    assert (labels(heard), problems(heard)) == ([], [("unread-list", "server/discover")])
    assert has_its_tool(heard)


@pytest.mark.parametrize("era", ["handshake", "modern"])
async def test_a_server_without_tools_has_prompts_all_the_same(era: str) -> None:
    heard = await ask({"capabilities": {"prompts": {}}}, {"tools": "refuse(-32601)", "prompts": PROMPTS}, era)
    assert (heard.failure, heard.tools, labels(heard)) == (None, [], ["prompt summarize"])
    broken = await ask(EVERYTHING, {"tools": "refuse(-32603)", "prompts": PROMPTS}, era)
    assert "`tools/list`" in str(broken.failure)


async def test_pages_are_joined() -> None:
    code = """{"prompts": [{"name": params.get("cursor", "1")}],
              **({} if params.get("cursor") == "3" else {"nextCursor": str(int(params.get("cursor", "1")) + 1)})}"""
    heard = await ask(EVERYTHING, {"prompts": code})
    assert (labels(heard), problems(heard)) == (["prompt 1", "prompt 2", "prompt 3"], [])


@pytest.mark.parametrize(
    ("answer", "rule"),
    [
        ('{"prompts": 5}', "malformed-definition"),
        ('{"prompt": []}', "malformed-definition"),
        ('"prompts"', "malformed-definition"),
        ("[[]]", "malformed-definition"),
        ("refuse(-32603)", "unread-list"),
        ("refuse({})", "unread-list"),
        ('{"prompts": [], "nextCursor": "again"}', "unread-list"),
        ('{"prompts": [], "nextCursor": params.get("cursor", "") + "x"}', "unread-list"),
        ('{"prompts": [{}] * 10_001}', "unread-list"),
        ("sys.exit(3)", "unread-list"),
        ("sys.stdout.close()", "unread-list"),
    ],
)
async def test_a_list_that_is_none_is_a_finding_and_the_tools_are_kept(answer: str, rule: str) -> None:
    heard = await ask(EVERYTHING, {"prompts": answer}, timeout=5.0)
    assert problems(heard)[0] == (rule, "prompts/list"), heard.beside.problems
    assert has_its_tool(heard)
    (finding,) = [each for each in judge(heard).findings if each.place == "prompts/list"]
    assert (finding.rule_id, finding.tool, finding.item) == (rule, "", "")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        ('{"prompts": [{"name": "x" * 12_000_000}], "nextCursor": params.get("cursor", "") + "x"}', "33554432 bytes"),
        ("time.sleep(600)", "the time of the server was over"),
        ("print('y' * 60_000_000)", "ended with status -9"),
        ("print(('y' * 999 + '\\n') * 60_000)", "says more than 50331648 bytes"),
        ("""print('{"jsonrpc": "2.0", "id": %s, "result": {"prompts": [%s]}}' % (request["id"],
            "[" * 100_000 + "]" * 100_000), flush=True) or time.sleep(600)""", "the time of the server was over"),
    ],
)  # fmt: skip
async def test_a_list_without_end_is_not_listened_to_for_ever(answer: str, cause: str) -> None:
    heard = await ask(EVERYTHING, {"prompts": answer, "resources": RESOURCES}, timeout=3.0)
    assert cause in heard.beside.problems[0].detail, heard.beside.problems
    assert has_its_tool(heard)


async def test_more_entries_than_anybody_reads_are_cut() -> None:
    heard = await ask(EVERYTHING, {"prompts": '{"prompts": [{"name": "p"}] * 10_001}', "resources": RESOURCES})
    assert len(labels(heard)) == MOST + 1
    assert labels(heard)[-1] == "resource file:///x"


@pytest.mark.parametrize("capabilities", [5, [], "prompts", [["prompts"]]])
async def test_capabilities_that_are_none_are_a_finding(capabilities: object) -> None:
    heard = await ask({"capabilities": capabilities, "instructions": "Hello."}, FULL)
    assert (labels(heard), has_its_tool(heard)) == (["instructions"], True)
    assert problems(heard) == [("malformed-definition", "capabilities")]


class Remote(BaseHTTPRequestHandler):
    """A server of revision 2026-07-28 over HTTP: it has resources, and knows no templates."""

    protocol_version = "HTTP/1.1"
    methods: list[str]

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.methods.append(request["method"])
        results: dict[str, Any] = {
            "server/discover": {**EVERYTHING, "instructions": "Use it well."},
            "tools/list": {"tools": [{"name": "add"}]},
            "prompts/list": {"prompts": [{"name": "summarize"}]},
            "resources/list": {"resources": [{"uri": "file:///x", "name": "x"}]},
        }
        result = results.get(request["method"])
        answer = {"error": {"code": -32601, "message": "no"}} if result is None else {"result": result}
        body = json.dumps({"jsonrpc": "2.0", "id": request["id"], **answer}).encode()
        self.send_response(404 if result is None else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        """Say nothing on standard error."""


@pytest.fixture
def remote() -> Iterator[tuple[str, list[str]]]:
    methods: list[str] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Remote,), {"methods": methods}))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/mcp", methods
    server.shutdown()
    thread.join()
    server.server_close()


async def test_a_server_behind_http_is_asked_for_its_lists_and_for_nothing_else(
    remote: tuple[str, list[str]],
) -> None:
    url, methods = remote
    heard = await ask_one(Target("one", Reached(url, (), allow_private=True)), 20.0)
    assert (labels(heard), problems(heard), has_its_tool(heard)) == (LABELS[:3], [], True)
    lists = ["prompts/list", "resources/list", "resources/templates/list"]
    assert methods == ["tools/list", "server/discover", *lists]
