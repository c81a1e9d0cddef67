"""Servers that go wrong: each ends in a clear error, and nothing of them is left."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest

from toolgate.upstream.conversation import ConversationFailed
from toolgate.upstream.discovery import ask
from toolgate.upstream.stdio import StdioUpstream
from toolgate.upstream.stdio_environment import inherited
from toolgate.wire.client import BadAnswer, ConnectFailed, Lost, PoolFull, TimedOut

from .speaking import LIMITS, Speaking, alive, messages, speaking, until, until_async, upstream

pytestmark = pytest.mark.slow


async def test_noise_is_passed_over_and_shown(capfd: pytest.CaptureFixture[str]) -> None:
    async with speaking() as speaker:
        session = await speaker.session()
        assert "pid" in (await speaker.ask(session, "noise"))["result"]
    shown = capfd.readouterr().err
    assert "server peer: a line on its standard output is no JSON-RPC message" in shown
    assert "'Server running on stdio'" in shown


async def test_an_answer_of_megabytes_arrives_whole() -> None:
    async with speaking() as speaker:
        session = await speaker.session()
        text = (await speaker.ask(session, "huge", size=9_000_000))["result"]["text"]
        assert text == "x" * 9_000_000


async def test_an_answer_beyond_the_limit_ends_the_server() -> None:
    async with speaking() as speaker:
        session = await speaker.session()
        with pytest.raises(Lost):
            await speaker.ask(session, "huge", size=17_000_000)
        assert (await speaker.post(session, {"id": 1, "method": "pid"})).status == 404


async def test_an_answer_that_is_not_utf_8_is_an_error_and_the_session_goes_on() -> None:
    async with speaking() as speaker:
        session = await speaker.session()
        with pytest.raises(BadAnswer, match="is not UTF-8"):
            await speaker.ask(session, "broken")
        assert "pid" in (await speaker.ask(session, "pid"))["result"]


async def test_carriage_returns_between_tokens_break_no_stream() -> None:
    async with speaking() as speaker:
        session = await speaker.session()
        note, answer = await messages(await speaker.post(session, {"id": 4, "method": "spaced"}))
        assert note["method"] == "notifications/message"
        assert answer == {"id": 4, "result": {}}


async def test_a_server_that_dies_in_the_middle_of_an_answer_is_lost_with_its_session() -> None:
    async with speaking() as speaker:
        session = await speaker.session()
        stream = await speaker.send("GET", session)
        with pytest.raises(Lost, match="status 7") as caught:
            await speaker.ask(session, "die")
        assert caught.value.sent
        with pytest.raises(Lost):
            await stream.chunk()
        assert (await speaker.post(session, {"id": 1, "method": "pid"})).status == 404


async def test_a_server_that_cannot_start_is_not_started_again_at_once(capfd: pytest.CaptureFixture[str]) -> None:
    async with speaking("crash") as speaker:
        with pytest.raises((Lost, ConnectFailed)):
            await speaker.session()
        await until(lambda: len(speaker.upstream.children) == 0)
        with pytest.raises(ConnectFailed, match="not started again so soon") as caught:
            await speaker.session()
        assert not caught.value.sent
    assert "status 3 before it said anything; not started again for 30 s" in capfd.readouterr().err


async def test_a_program_that_is_not_there_is_named_to_the_operator_alone(capfd: pytest.CaptureFixture[str]) -> None:
    missing = Speaking(StdioUpstream("peer", ["/nowhere/secret-server"], {}, LIMITS))
    with pytest.raises(ConnectFailed, match="cannot be started") as caught:
        await missing.session()
    assert "secret-server" not in str(caught.value)
    await missing.upstream.close()
    assert "cannot be started" in capfd.readouterr().err


async def test_a_server_that_ignores_the_end_of_its_input_and_term_is_killed() -> None:
    async with speaking("stubborn") as speaker:
        session = await speaker.session()
        (pid,) = speaker.pids
        await speaker.send("DELETE", session)
        await until(lambda: not alive(pid))


async def test_what_a_server_started_ends_with_it() -> None:
    async with speaking() as speaker:
        session = await speaker.session()
        grandchild = (await speaker.ask(session, "fork"))["result"]["child"]
        assert alive(grandchild)
        await speaker.send("DELETE", session)
        await until(lambda: not alive(grandchild))


async def test_a_request_to_a_server_that_reads_nothing_is_not_sent_once_its_pipe_is_full() -> None:
    async with speaking("deaf") as speaker:
        big = {"id": 1, "method": "x", "params": {"_meta": {"io.modelcontextprotocol/protocolVersion": "2026-07-28"}}}
        sent = []
        for number in range(8):
            with pytest.raises(TimedOut) as caught:
                await speaker.post("", {**big, "id": number, "padding": "z" * 100_000}, timeout=0.05)
            sent.append(caught.value.sent)
        assert sent[0]
        assert not sent[-1]


async def test_its_standard_error_is_ours_with_its_name_and_within_bounds(capfd: pytest.CaptureFixture[str]) -> None:
    async with speaking() as speaker:
        session = await speaker.session()
        await speaker.ask(session, "complain", text="disk \x1b[31mfull\n" + "y" * 5_000)
        shown = ""
        while "yyy" not in shown:
            await asyncio.sleep(0.005)
            shown += capfd.readouterr().err
    assert "toolgate: server peer: disk [31mfull\n" in shown
    assert f"toolgate: server peer: {'y' * 2_000}\n" in shown


async def test_a_server_that_floods_its_standard_error_is_counted_not_copied(
    capfd: pytest.CaptureFixture[str],
) -> None:
    async with speaking() as speaker:
        session = await speaker.session()
        await speaker.ask(session, "complain", text="again\n" * 3_000)
        await speaker.ask(session, "pid")
    assert 0 < capfd.readouterr().err.count("again") < 3_000


async def test_a_server_sees_what_programs_need_and_what_it_was_given_and_nothing_of_ours() -> None:
    ours = {
        "PATH": "/bin",
        "LC_ALL": "C.UTF-8",
        "TOOLGATE_MASTER_KEY_FILE": "/k",
        "AWS_SECRET": "s",
        "HOME": "() { :; }",
    }
    assert inherited(ours) == {"PATH": "/bin", "LC_ALL": "C.UTF-8"}
    speaker = Speaking(upstream(environment={"KEY": "k"}))
    session = await speaker.session()
    environment = (await speaker.ask(session, "environment"))["result"]
    await speaker.upstream.close()
    assert {name: value for name, value in environment.items() if name != "LC_CTYPE"} == {"KEY": "k"}


async def test_processes_are_capped() -> None:
    async with speaking(limits=replace(LIMITS, processes=2)) as speaker:
        await speaker.session()
        await speaker.session()
        with pytest.raises(PoolFull, match="2 processes of it run") as caught:
            await speaker.session()
        assert not caught.value.sent


async def test_at_the_cap_the_session_that_was_unused_longest_makes_room() -> None:
    async with speaking(limits=replace(LIMITS, processes=2, yields_after=0.0)) as speaker:
        first, second = await speaker.session(), await speaker.session()
        stream = await speaker.send("GET", first)
        third = await speaker.session()
        assert (await speaker.post(second, {"id": 1, "method": "pid"})).status == 404
        assert "pid" in (await speaker.ask(third, "pid"))["result"]
        assert "pid" in (await speaker.ask(first, "pid"))["result"]
        stream.close()


async def test_processes_that_nobody_uses_are_ended_and_those_in_use_are_not() -> None:
    async with speaking(limits=replace(LIMITS, idle=0.05)) as speaker:
        kept, dropped = await speaker.session(), ""
        stream = await speaker.send("GET", kept)
        dropped = await speaker.session()
        await until(lambda: len(speaker.upstream.children) == 1)
        assert (await speaker.post(dropped, {"id": 1, "method": "pid"})).status == 404
        stream.close()
        await until(lambda: len(speaker.upstream.children) == 0)


async def test_a_retired_upstream_ends_what_is_idle_now_and_what_is_busy_later() -> None:
    async with speaking() as speaker:
        busy, idle = await speaker.session(), await speaker.session()
        held = asyncio.ensure_future(speaker.ask(busy, "hold", 5))
        await until_async(lambda: speaker._has(busy, 5))
        speaker.upstream.retire()
        await until(lambda: len(speaker.upstream.children) == 1)
        assert (await speaker.post(idle, {"id": 1, "method": "pid"})).status == 404
        with pytest.raises(ConnectFailed):
            await speaker.session()
        await speaker.ask(busy, "release", 6, id=5)
        assert (await held)["result"] == {"released": True}
        await until(lambda: len(speaker.upstream.children) == 0)
        assert json.loads((await speaker.post(busy, {"id": 1, "method": "pid"})).body_complete or b"")["error"]


async def test_a_program_that_only_echoes_fails_discovery_in_time_and_leaves_nothing() -> None:
    echoing = StdioUpstream("echo", ["cat"], {"PATH": "/bin:/usr/bin"}, LIMITS)
    with pytest.raises(ConversationFailed, match="does not answer `initialize` within"):
        await ask(echoing, "echo", timeout=0.5)
    assert len(echoing.children) > 0
    await echoing.close()
    assert len(echoing.children) == 0
