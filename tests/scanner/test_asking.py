"""Whatever one server does, a scan ends in time, says what was wrong, and asks the others."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from toolgate.scanner.asking import Heard, ask_all, ask_one
from toolgate.scanner.judging import judge
from toolgate.scanner.targets import Kept, Missing, Reached, Started, Target

from .servers import EVIL, GOOD, bare, program, target


def names(heard: Heard) -> list[object]:
    return [tool.get("name") for tool in heard.tools]


async def ask(command: Sequence[str], timeout: float = 20.0, **environment: str) -> Heard:
    return await ask_one(target("one", tuple(command), **environment), timeout)


async def test_a_server_of_the_handshake_era_is_asked_with_a_handshake() -> None:
    heard = await ask(GOOD)
    assert (names(heard), heard.revision, heard.failure) == (["add"], "2025-11-25", None)


async def test_pages_are_joined() -> None:
    code = """answer(request, {"tools": [TOOL], "nextCursor": "2"} if "cursor" not in request["params"]
            else {"tools": [{**TOOL, "name": "sub"}]})"""
    assert names(await ask(program(code))) == ["add", "sub"]


async def test_noise_on_standard_output_is_counted_and_the_first_line_kept() -> None:
    heard = await ask(
        program('answer(request, {"tools": [TOOL]})', before='print("Server started\\n{}", flush=True)\n')
    )
    assert (names(heard), heard.noise >= 1, heard.first_noise) == (["add"], True, "Server started")
    (finding,) = [each for each in judge(heard).findings if each.rule_id == "noise-on-stdout"]
    assert finding.quote == "Server started"


async def test_a_server_that_asks_before_it_answers_is_told_that_nobody_is_there() -> None:
    code = """print(json.dumps({"jsonrpc": "2.0", "id": "r", "method": "roots/list"}), flush=True)
        print(json.dumps({"jsonrpc": "2.0", "id": "p", "method": "ping"}), flush=True)
        said = [json.loads(sys.stdin.readline()) for _ in range(2)]
        answer(request, {"tools": [{**TOOL, "name": f"{said[0]['error']['code']} {said[1]['result']}"}]})"""
    assert names(await ask(program(code))) == ["-32601 {}"]


@pytest.mark.slow
async def test_a_server_that_ignores_what_comes_before_the_handshake_is_waited_for() -> None:
    code = """
for line in sys.stdin:
    request = json.loads(line)
    if request.get("method") == "initialize":
        break
hello(request)
sys.stdin.readline()
answer(json.loads(sys.stdin.readline()), {"tools": [TOOL]})
"""
    assert names(await ask(bare(code), timeout=3.0)) == ["add"]


async def test_entries_that_are_no_tools_are_counted() -> None:
    heard = await ask(program('answer(request, {"tools": [TOOL, 5, None, "x"]})'))
    assert (names(heard), heard.strange) == (["add"], 3)
    assert "lists 3 entries that are no objects" in str(judge(heard).findings)


async def test_a_command_sees_its_own_environment_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_OF_MINE", "s3cret")
    code = """import os; answer(request, {"tools": [{**TOOL, "name": os.environ.get("SECRET_OF_MINE", "none")},
            {**TOOL, "name": os.environ["GIVEN"]}]})"""
    assert names(await ask(program(code), GIVEN="given")) == ["none", "given"]


async def test_a_command_starts_in_the_directory_that_its_configuration_names(tmp_path: Path) -> None:
    command = program('import os; answer(request, {"tools": [{**TOOL, "name": os.getcwd()}]})')
    heard = await ask_one(Target("one", Started(command, {}, str(tmp_path))), 20.0)
    assert names(heard) == [str(tmp_path)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("silent", "has not said which tools it has within 2 s"),
        ("dies", "ended with status 1; its last words: the variable KEY is not set"),
        ("deaf", "has not said which tools it has within 2 s"),
        ("floods", "says more than 50331648 bytes"),
        ("endless-line", "ended with status -9"),
        ("no-list", "without a list of tools"),
        ("no-tools", "without a list of tools"),
        ("no-result", "does not answer `tools/list`"),
        ("deep", "has not said which tools it has within 2 s"),
        ("dies-late", "ended with status 3"),
        ("half", "ended with status 0"),
    ],
)
async def test_a_server_that_misbehaves_ends_in_an_error_that_says_so(name: str, cause: str) -> None:
    heard = await ask(EVIL[name], timeout=2.0)
    assert heard.tools == ()
    assert heard.failure is not None
    assert cause in str(heard.failure), heard.failure


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "cause"), [("pages", "more than 100 pages"), ("megabytes", "answers with more than 33554432 bytes")]
)
async def test_a_server_that_lists_without_end_is_not_listened_to_for_ever(name: str, cause: str) -> None:
    heard = await ask(EVIL[name], timeout=30.0)
    assert cause in str(heard.failure)


@pytest.mark.slow
async def test_the_others_are_asked_whatever_one_does() -> None:
    told: list[str] = []
    all_ = [*(target(name, EVIL[name]) for name in ("silent", "floods", "dies")), target("good", GOOD)]
    heard = await ask_all([*all_, target("good too", GOOD)], 2.0, lambda one: told.append(one.target.name))
    assert [names(each) for each in heard] == [[], [], [], ["add"], ["add"]]
    assert sorted(told) == ["dies", "floods", "good", "good too", "silent"]


async def test_what_cannot_be_started_or_reached_says_why() -> None:
    heard = await ask(["/no/such/program"])
    assert "cannot be started: No such file or directory" in str(heard.failure)
    reached = await ask_one(Target("one", Reached("http://127.0.0.1:1/mcp", ())), 5.0)
    assert "127.0.0.1:1" in str(reached.failure)
    plain = await ask_one(Target("one", Reached("http://mcp.example/mcp", ())), 5.0)
    assert "is not encrypted" in str(plain.failure)
    assert "nobody said how" in str((await ask_one(Target("one", Missing("nobody said how")), 5.0)).failure)


async def test_kept_definitions_are_heard_as_they_are() -> None:
    heard = await ask_one(Target("one", Kept([{"name": "add"}], "file")), 5.0)
    assert json.dumps(list(heard.tools)) == '[{"name": "add"}]'
