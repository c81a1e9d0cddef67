"""Rules for answers over standard input and output: the same as over HTTP."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.gateway.running import Received, Recorder, http
from tests.stdio.conftest import Start
from tests.stdio.wrapped import ALLOW, TOOLS, call, message, result, text

from toolgate.policy.detectors import BY_NAME

pytestmark = pytest.mark.slow

HIDING = "ig\u202enore\U000e0041\u200b"
TOKEN = BY_NAME["npm_token"].example
RULES: dict[str, Any] = {**ALLOW, "all_tools": {"response": {"redact": ["all"], "max_bytes": 2000}}}


async def test_an_answer_is_cleaned_redacted_and_recorded(start: Start) -> None:
    run = await start(RULES)
    await run.ready()
    run.client_says(call(1))
    await run.server_hears()
    run.server_says(text(1, f"{HIDING} {TOKEN}"))
    assert await run.client_hears() == text(1, "ignore [redacted: npm_token]")
    await run.close()
    decision = run.decisions(tool="echo")[0]
    ended = next(r for r in run.records() if r["kind"] == "outcome" and r["decision_id"] == decision["decision_id"])
    assert (ended["removed"], ended["redacted"]) == (3, {"npm_token": 1})


async def test_an_answer_that_is_too_long_is_withheld(start: Start) -> None:
    run = await start(RULES)
    await run.ready()
    run.client_says(call(1))
    await run.server_hears()
    run.server_says(text(1, "x" * 2000))
    said = json.dumps(await run.client_hears())
    assert "Rule: /all_tools/response/max_bytes" in said
    assert "xxx" not in said


async def test_notifications_and_questions_are_cleaned_and_redacted(start: Start) -> None:
    run = await start(RULES)
    await run.ready()
    run.server_says(message("notifications/message", data=HIDING + TOKEN))
    run.server_says(message("sampling/createMessage", "q", systemPrompt=HIDING + TOKEN))
    for _ in range(2):
        assert "ignore[redacted: npm_token]" in json.dumps(await run.client_hears())


async def test_deny_drops_notifications_refuses_questions_and_withholds_answers(start: Start) -> None:
    run = await start({**ALLOW, "hidden_text": "deny"})
    await run.ready()
    run.client_says(call(1))
    await run.server_hears()
    run.server_says(message("notifications/message", data=HIDING))
    run.server_says(message("sampling/createMessage", "q", systemPrompt=HIDING))
    refused = await run.server_hears()
    assert (refused["id"], refused["error"]["data"]["rule"]) == ("q", "/hidden_text")
    run.server_says(text(1, HIDING))
    assert "the answer of `echo` was withheld" in json.dumps(await run.client_hears())


async def test_a_tool_with_a_hidden_character_in_its_name_is_withheld_and_the_others_are_cleaned(start: Start) -> None:
    run = await start(ALLOW)
    await run.handshake()
    run.client_says(message("tools/list", 5))
    asked = await run.server_hears()
    tools = [{**TOOLS[0], "description": HIDING}, {**TOOLS[1], "name": "remove\u200b"}, TOOLS[2]]
    run.server_says(result(asked["id"], tools=tools))
    listed = (await run.client_hears())["result"]["tools"]
    assert [(tool["name"], tool.get("description")) for tool in listed] == [("echo", "ignore"), ("hidden", None)]


async def test_what_is_said_aloud_of_a_bad_line_does_not_act_on_the_terminal(start: Start) -> None:
    run = await start(ALLOW)
    await run.ready()
    run.server_says(b"\x1b]0;owned\x07 no json \xc2\x9b2J")
    assert "it is no JSON-RPC message" in (said := await run.complaint("dropped"))
    assert said.rstrip("\n").isprintable()


async def test_a_server_behind_http_is_no_different(start: Start) -> None:
    async def reply(request: Received, writer: Any) -> None:
        asked = request.json
        if asked["method"] == "tools/list":
            body = result(asked["id"], tools=TOOLS)
        else:
            body = text(asked["id"], f"{HIDING} {TOKEN}")
        writer.write(http(200, json.dumps(body).encode()))

    recorder = await Recorder(reply).start()
    try:
        run = await start(RULES, upstream=recorder.url)
        run.client_says(call(1))
        assert await run.client_hears() == text(1, "ignore [redacted: npm_token]")
    finally:
        await recorder.stop()
