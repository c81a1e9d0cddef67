"""What ends what: nothing is left behind, every call has its end on record, and the status tells how it went."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest
from tests.demo.endings import alive
from tests.stdio.conftest import Start
from tests.stdio.wrapped import PATIENCE, Wrapped, call, message, text
from tests.upstream.test_child import FORKING, STUBBORN

pytestmark = pytest.mark.slow


async def with_a_call_under_way(start: Start, **environment: str) -> Wrapped:
    run = await start(**environment)
    await run.ready()
    run.client_says(call(1))
    await run.server_hears()
    return run


async def test_the_end_of_the_client_is_the_end_of_the_servers_input(start: Start) -> None:
    run = await with_a_call_under_way(start, PUPPET_STATUS="7")
    assert run.process.stdin is not None
    run.process.stdin.close()
    assert await run.server_line() == b""
    run.server_says(text(1, "still in time"))
    run.server_writes.close()
    assert await run.client_hears() == text(1, "still in time")
    assert await run.ended() == 7


async def test_a_call_without_answer_is_recorded_when_the_client_leaves(start: Start) -> None:
    run = await with_a_call_under_way(start)
    await run.close()
    (decision,) = run.decisions(tool="echo")
    assert run.outcomes(decision["decision_id"]) == ["client_gone"]


@pytest.mark.parametrize("status", [0, 3])
async def test_the_end_of_the_server_ends_its_calls_and_the_wrapper(start: Start, status: int) -> None:
    run = await with_a_call_under_way(start, PUPPET_STATUS=str(status))
    run.server_writes.close()
    failed = await run.client_hears()
    assert failed["id"] == 1
    assert f"ended with status {status}" in failed["error"]["message"]
    assert await run.ended() == status
    (decision,) = run.decisions(tool="echo")
    assert run.outcomes(decision["decision_id"]) == ["lost"]


async def test_a_server_killed_by_a_signal_gives_the_shells_status(start: Start) -> None:
    run = await with_a_call_under_way(start)
    run.family[-1].kill()
    assert "signal 9" in (await run.client_hears())["error"]["message"]
    assert await run.ended() == 128 + 9


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
async def test_a_signal_ends_everything_in_order(start: Start, number: signal.Signals) -> None:
    run = await with_a_call_under_way(start)
    run.process.send_signal(number)
    assert await run.server_line() == b""
    run.server_writes.close()
    assert (await run.client_hears())["id"] == 1
    assert await run.ended() == 0
    (decision,) = run.decisions(tool="echo")
    assert run.outcomes(decision["decision_id"]) == ["client_gone"]


async def test_a_client_that_reads_no_more_is_gone(start: Start) -> None:
    run = await start()
    await run.ready()
    transport = run.process._transport.get_pipe_transport(1)  # type: ignore[attr-defined]
    transport.close()
    for n in range(100):
        run.server_says(message("notifications/message", level="info", data=n))
    assert await run.server_line() == b""
    run.server_writes.close()
    assert await run.ended() == 0


async def test_kill_9_leaves_no_child(start: Start) -> None:
    run = await with_a_call_under_way(start)
    assert len(run.family) >= 2  # the server, and what watches over it
    run.process.kill()
    await run.ended()
    assert alive(run.family) == []


async def test_a_stubborn_family_is_killed(place: Path) -> None:
    """A server that ignores the end of its input and TERM, with a child that does the same and holds its output."""
    run = Wrapped(place)
    run.write_policy({"version": "1", "default": "allow"})
    program = FORKING.replace("print(child.pid)", "print(child.pid, file=sys.stderr, flush=True)") + STUBBORN
    await run.start(command=[sys.executable, "-u", "-c", program])
    assert run.process.stdin is not None
    assert run.process.stderr is not None
    grandchild = psutil.Process(int(await asyncio.wait_for(run.process.stderr.readline(), PATIENCE)))
    await run.complaint("dropped")
    await run.complaint("dropped")  # both said that they are there: they ignore TERM by now
    run.family = [grandchild, *psutil.Process(run.process.pid).children(recursive=True)]
    assert await run.close() == 128 + 9


async def test_standard_error_and_environment_are_the_servers_own(place: Path) -> None:
    run = Wrapped(place)
    run.write_policy({"version": "1", "default": "allow"})
    program = "import os, sys; print('word is', os.environ['WORD'], file=sys.stderr); sys.stdin.read()"
    await run.start(command=[sys.executable, "-c", program], WORD="given")
    assert await run.complaint("word is") == "word is given\n"
    assert await run.close() == 0


def toolgate(place: Path, *words: str, **more: Any) -> subprocess.CompletedProcess[str]:
    """Run a wrapper to its end, with nobody who says anything unless `stdin` is given."""
    begin = [sys.executable, "-m", "toolgate", "run", "-c", str(place / "policy.json"), "--data", str(place / "data")]
    streams: dict[str, Any] = {
        "stdin": subprocess.DEVNULL,
        "stdout": subprocess.PIPE,
        "stderr": subprocess.PIPE,
        **more,
    }
    return subprocess.run([*begin, *words], text=True, timeout=PATIENCE, check=False, **streams)


def test_a_file_may_be_the_client(place: Path) -> None:
    (place / "policy.json").write_text('{"version": "1", "default": "allow"}')
    (place / "in").write_text('{"jsonrpc":"2.0","id":1,"method":"ping"}\n')
    server = 'import sys\nfor line in sys.stdin: print(\'{"jsonrpc":"2.0","id":1,"result":{}}\', flush=True)'
    with (place / "in").open() as source, (place / "out").open("w") as sink:
        done = toolgate(place, sys.executable, "-c", server, stdin=source, stdout=sink)
    assert done.returncode == 0
    assert (place / "out").read_text() == '{"jsonrpc":"2.0","id":1,"result":{}}\n'


@pytest.mark.parametrize(
    ("policy", "options", "cause"),
    [
        (None, [], "cannot be read: No such file"),
        ("{", [], "is not valid JSON"),
        ('{"version": "1"}', [], "the key `default` is missing"),
        ('{"version": "1", "default": "allow"}', ["--policy-digest", "0" * 64], "its SHA-256 digest is"),
        ('{"version": "1", "default": "allow"}', ["--policy-digest", "0"], "is no SHA-256 in hex"),
        ('{"version": "1", "default": "allow"}', ["--approval-wait", "-1"], "approval-wait"),
        ('{"version": "1", "default": "allow"}', ["--unheard"], "no such option"),
    ],
)
def test_a_wrapper_that_cannot_begin_says_why_and_starts_nothing(
    place: Path, policy: str | None, options: list[str], cause: str
) -> None:
    if policy is not None:
        (place / "policy.json").write_text(policy)
    done = toolgate(place, *options, "--", "touch", str(place / "started"))
    assert done.returncode == 2
    assert cause in done.stderr.lower() or cause in done.stderr
    assert "Traceback" not in done.stderr
    assert not (place / "started").exists()


def test_a_command_that_is_not_there_is_said(place: Path) -> None:
    (place / "policy.json").write_text('{"version": "1", "default": "allow"}')
    done = toolgate(place, "/no/such")
    assert done.returncode == 2
    assert "`/no/such`: cannot be started" in done.stderr


def test_nothing_heavy_is_loaded(place: Path) -> None:
    """What memory and the time to start depend on."""
    program = (
        "import sys, toolgate.__main__, toolgate.cli.quick\n"
        "heavy = {'typer', 'click', 'rich', 'sqlalchemy', 'alembic', 'pydantic', 'mcp', 'sqlglot', 're2', 'httptools',"
        " 'jsonschema_rs', 'yaml'}\n"
        "print(sorted(heavy & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=os.environ, check=True)
    assert done.stdout.strip() == "[]"
