"""The policy file changes while the wrapper runs: a good one takes effect, a bad one changes nothing and is said."""

from __future__ import annotations

import asyncio
import hashlib
import json
from typing import Any

import pytest
from tests.stdio.conftest import Start
from tests.stdio.wrapped import ALLOW, MODERN, PATIENCE, TOOLS, Wrapped, call, message, result

pytestmark = pytest.mark.slow

DENYING: dict[str, Any] = {"version": "1", "default": "allow", "tools": {"echo": {"action": "deny"}}}


async def is_denied(run: Wrapped, id_: str, tool: str = "echo") -> bool:
    """Whether a call is denied now; one that passes is answered."""
    run.client_says(call(id_, tool))
    heard = asyncio.ensure_future(run.client_hears())
    reached = asyncio.ensure_future(run.server_hears())
    done, _ = await asyncio.wait((heard, reached), return_when=asyncio.FIRST_COMPLETED, timeout=PATIENCE)
    if reached in done:
        run.server_says(result(id_, content=[]))
        await heard
        return False
    reached.cancel()
    return bool(heard.result()["result"]["isError"])


async def test_a_changed_policy_judges_the_next_call_and_the_client_is_told(start: Start) -> None:
    run = await start(ALLOW)
    await run.handshake(tools={"listChanged": True})
    run.client_says(message("tools/list", 1))
    await run.lists_tools()
    await run.client_hears()
    assert not await is_denied(run, "before")
    run.write_policy(DENYING)
    assert await run.client_hears() == {"jsonrpc": "2.0", "method": "notifications/tools/list_changed"}
    assert await is_denied(run, "after")


async def test_a_server_that_promises_no_news_gives_none(start: Start) -> None:
    run = await start(ALLOW)
    await run.ready()
    run.write_policy(DENYING)
    await run.complaint("the changed policy is in force")
    assert await is_denied(run, "after")


async def test_a_subscription_of_the_stateless_era_is_told(start: Start) -> None:
    run = await start(ALLOW)
    run.client_says(message("subscriptions/listen", "s", notifications={"toolsListChanged": True}, _meta=MODERN))
    await run.server_hears()
    run.write_policy(DENYING)
    told = await run.client_hears()
    assert told["params"]["_meta"] == {"io.modelcontextprotocol/subscriptionId": "s"}


async def test_a_bad_policy_leaves_the_last_good_one_and_says_why(start: Start) -> None:
    run = await start(DENYING)
    await run.ready()
    run.write_policy(b'{"version": "1", "default": "allow", "tool": {}}')
    said = await run.complaint("last good policy")
    assert "policy.json#/tool: the key `tool` is not known here" in said
    assert await is_denied(run, "1")
    run.write_policy(ALLOW)
    await run.complaint("the changed policy is in force")
    assert not await is_denied(run, "2")


async def test_a_policy_that_vanishes_stays_in_force(start: Start) -> None:
    run = await start(DENYING)
    await run.ready()
    run.policy.unlink()
    await run.complaint("cannot be read: No such file or directory")
    assert await is_denied(run, "1")


async def test_a_digest_refuses_every_other_content(start: Start) -> None:
    digest = hashlib.sha256(json.dumps(DENYING).encode()).hexdigest()
    run = await start(DENYING, "--policy-digest", digest.upper())
    await run.ready()
    run.write_policy(ALLOW)
    await run.complaint("not the one of --policy-digest")
    assert await is_denied(run, "1")


async def test_a_list_that_changed_is_asked_for_again(start: Start) -> None:
    run = await start({"version": "1", "default": "allow", "tools": {"new": {"schema": "closed"}}})
    await run.ready()
    run.server_says(message("notifications/tools/list_changed"))
    await run.client_hears()
    run.client_says(call(1, "new"))
    await run.lists_tools([*TOOLS, {"name": "new", "inputSchema": {"type": "object"}}])
    assert (await run.server_hears())["id"] == 1
