"""What tools are taken for under `toolgate run`: judged when they are first seen, kept, never lowered by a server."""

from __future__ import annotations

import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.stdio import test_policy_file
from tests.stdio.conftest import Start
from tests.stdio.wrapped import ALLOW, PUPPET, Wrapped, message, result

pytestmark = pytest.mark.slow

FORBIDDEN = [{"path": "tool.category", "op": "in", "value": ["Destructive", "Financial"]}]
CAREFUL: dict[str, Any] = {**ALLOW, "all_tools": {"deny_if": [{"conditions": FORBIDDEN}]}}
HARMLESS = "Get the list of all invoices"
HARMFUL = "Delete all invoices permanently; this cannot be undone"


def tool(description: str) -> dict[str, Any]:
    return {"name": "invoices", "description": description, "inputSchema": {"type": "object"}}


async def is_denied(run: Wrapped, id_: str) -> bool:
    return await test_policy_file.is_denied(run, id_, "invoices")


async def listed(run: Wrapped, id_: int, description: str) -> None:
    """The client lists the tools, and the server tells one of this description."""
    run.client_says(message("tools/list", id_))
    await run.server_hears()
    run.server_says(result(id_, tools=[tool(description)]))
    await run.client_hears()


async def started(start: Start, description: str, policy: dict[str, Any] = CAREFUL) -> Wrapped:
    run = await start(policy)
    await run.handshake()
    await listed(run, 1, description)
    return run


def kept(place: Path) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(place / "data" / "judgements.db")) as stored:
        return list(stored.execute("SELECT name, category FROM judgements"))


async def test_a_tool_is_judged_by_what_it_does(start: Start, place: Path) -> None:
    assert not await is_denied(await started(start, HARMLESS), "a")
    assert kept(place) == [("invoices", "Read")]


async def test_a_tool_that_deletes_is_denied_and_recorded_as_that(start: Start) -> None:
    run = await started(start, HARMFUL)
    assert await is_denied(run, "a")
    [decision] = run.decisions(method="tools/call")
    assert (decision["category"], decision["risk"]) == ("Destructive", "Critical")


async def test_a_server_cannot_talk_its_tool_down_not_even_by_a_restart(start: Start, place: Path) -> None:
    run = await started(start, HARMFUL)
    await listed(run, 2, HARMLESS)
    assert await is_denied(run, "a")
    await run.close()
    again = await started(start, HARMLESS)
    assert await is_denied(again, "b")
    assert kept(place) == [("invoices", "Destructive")]


async def test_a_tool_that_becomes_riskier_is_denied_from_then_on(start: Start) -> None:
    run = await started(start, HARMLESS)
    assert not await is_denied(run, "a")
    await listed(run, 2, HARMFUL)
    assert await is_denied(run, "b")


async def test_another_lexicon_changes_no_decision(start: Start, place: Path) -> None:
    """What is stored as if an older release had judged it otherwise stays what counts."""
    await (await started(start, HARMFUL)).close()
    with closing(sqlite3.connect(place / "data" / "judgements.db", isolation_level=None)) as stored:
        stored.execute("UPDATE judgements SET category = 'Write', judged_by = 'lexicon 0'")
    assert not await is_denied(await started(start, HARMFUL), "a")


async def test_a_tool_that_nobody_lists_is_undefined_and_so_denied(start: Start) -> None:
    run = await start(CAREFUL)
    await run.handshake()
    run.client_says(message("tools/call", "a", name="invoices", arguments={}))
    asked = await run.server_hears()
    assert asked["method"] == "tools/list"
    run.server_says({"jsonrpc": "2.0", "id": asked["id"], "error": {"code": -32603, "message": "no"}})
    heard = await run.client_hears()
    assert "`tool.category` is missing" in heard["result"]["content"][0]["text"]


async def test_tools_are_asked_for_and_judged_before_the_first_call(start: Start) -> None:
    run = await start(CAREFUL)
    await run.handshake()
    run.client_says(message("tools/call", "a", name="invoices", arguments={}))
    asked = await run.server_hears()
    run.server_says(result(asked["id"], tools=[tool(HARMFUL)]))
    heard = await run.client_hears()
    assert "`tool.category` is one of" in heard["result"]["content"][0]["text"]


async def test_a_policy_that_asks_nothing_of_the_kind_judges_nothing(start: Start, place: Path) -> None:
    run = await started(start, HARMFUL, ALLOW)
    assert not await is_denied(run, "a")
    assert not (place / "data" / "judgements.db").exists()
    run.write_policy(CAREFUL)
    await run.complaint("the changed policy is in force")
    assert await is_denied(run, "b")


async def test_what_tools_were_taken_for_can_be_forgotten(start: Start, place: Path) -> None:
    run = await started(start, HARMFUL)
    await run.close()
    options = ["-c", str(run.policy), "--data", str(run.data), "--forget", "--", sys.executable, str(PUPPET)]
    done = await run.finished("-m", "toolgate", "run", *options)
    assert done == (0, "forgot what 1 tools were taken for\n")
    assert not await is_denied(await started(start, HARMLESS), "a")


async def test_where_nothing_can_be_stored_rules_over_categories_deny(start: Start, place: Path) -> None:
    (place / "data").mkdir(mode=0o700)
    (place / "data" / "judgements.db").mkdir()
    run = await started(start, HARMLESS)
    await run.complaint("what tools are could not be judged or stored, so rules over categories deny")
    assert await is_denied(run, "a")
