"""Calls that wait for a person: a second terminal decides, and nothing else waits meanwhile."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import pytest
from tests.stdio.conftest import Start
from tests.stdio.wrapped import PATIENCE, Wrapped, call, message, text

pytestmark = pytest.mark.slow

ASKING: dict[str, Any] = {
    "version": "1",
    "default": "allow",
    "tools": {"remove": {"action": "require_approval", "reason": "A person looks."}},
}


async def decide(run: Wrapped, verb: str) -> None:
    """What somebody says in a second terminal about the one call that waits."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "toolgate", "approval", "list", "--json", "--data", str(run.data)),
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await asyncio.wait_for(process.communicate(), PATIENCE)
    (waiting,) = json.loads(said)
    words = ("approval", verb, waiting["id"], "--data", str(run.data))
    assert (await run.finished("-m", "toolgate", *words))[0] == 0


async def held(start: Start, **params: Any) -> Wrapped:
    run = await start(ASKING)
    await run.ready()
    run.client_says(message("tools/call", 1, name="remove", arguments={"n": 1}, **params), call(2))
    assert (await run.server_hears())["id"] == 2  # others pass
    run.server_says(text(2, "meanwhile"))
    return run


async def test_a_held_call_goes_on_when_a_person_approves_it(start: Start) -> None:
    run = await held(start, _meta={"progressToken": "p"})
    heard = [await run.client_hears() for _ in range(2)]
    assert {said.get("id", said.get("method")) for said in heard} == {
        2,
        "notifications/progress",
    }
    await decide(run, "approve")
    assert (await run.server_hears())["id"] == 1
    run.server_says(text(1, "removed"))
    while (said := await run.client_hears()).get("method") == "notifications/progress":
        assert said["params"]["progressToken"] == "p"
    assert said == text(1, "removed")


async def test_a_held_call_is_denied_when_a_person_refuses_it(start: Start) -> None:
    run = await held(start)
    assert (await run.client_hears())["id"] == 2
    await decide(run, "deny")
    refused = await run.client_hears()
    assert "[POLICY DENIED]" in refused["result"]["content"][0]["text"]


async def test_a_held_call_that_its_client_takes_back_is_never_sent(start: Start) -> None:
    run = await held(start)
    assert (await run.client_hears())["id"] == 2
    run.client_says(message("notifications/cancelled", requestId=1), message("ping", 3))
    assert (await run.server_hears())["id"] == 3
    await run.close()
    (asked,) = run.decisions(tool="remove")
    assert run.outcomes(asked["decision_id"]) == ["client_gone"]


async def test_a_client_that_gave_up_gets_the_result_of_one_repeat(start: Start) -> None:
    run = await start(ASKING, "--approval-wait", "0")
    await run.ready()
    run.client_says(call(1, "remove", n=1))
    assert "Waiting for approval" in (await run.client_hears())["result"]["content"][0]["text"]
    await decide(run, "approve")
    run.client_says(call(2, "remove", n=1), call(3, "remove", n=1))
    assert (await run.server_hears())["id"] == 2
    assert "Waiting for approval" in (await run.client_hears())["result"]["content"][0]["text"]


async def test_a_restart_forgets_no_approval(start: Start) -> None:
    run = await start(ASKING, "--approval-wait", "0")
    await run.ready()
    run.client_says(call(1, "remove", n=1))
    await run.client_hears()
    run.process.kill()
    await run.ended()
    await decide(run, "approve")
    run = await start(ASKING)
    await run.ready()
    run.client_says(call(2, "remove", n=1))
    assert (await run.server_hears())["id"] == 2


async def test_a_client_that_leaves_ends_its_held_calls(start: Start) -> None:
    run = await held(start)
    await run.close()
    (asked,) = run.decisions(tool="remove")
    assert run.outcomes(asked["decision_id"]) == ["client_gone"]


async def test_an_approval_after_the_client_left_runs_nothing_and_is_kept_for_its_repeat(start: Start) -> None:
    run = await held(start)
    assert run.process.stdin is not None
    run.process.stdin.close()
    assert await run.server_line() == b""  # the wrapper is ending, and gives its server time to leave
    await decide(run, "approve")
    await run.close()
    assert [decision["outcome"] for decision in run.decisions(tool="remove")] == ["wait"]
    run = await start(ASKING)
    await run.ready()
    run.client_says(call(1, "remove", n=1))
    assert (await run.server_hears())["params"]["arguments"] == {"n": 1}
