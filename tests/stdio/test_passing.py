"""What passes: the very bytes, in order, both ways, and the calls that the policy lets through."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.stdio.conftest import Start
from tests.stdio.wrapped import MODERN, TOOLS, call, message, result, text

pytestmark = pytest.mark.slow

SELECTIVE: dict[str, Any] = {
    "version": "1",
    "default": "allow",
    "hide": ["hidden"],
    "tools": {"remove": {"action": "deny", "reason": "People remove."}},
}


async def test_bytes_pass_unchanged_in_both_directions(start: Start) -> None:
    run = await start()
    await run.ready()
    sent = b'{ "jsonrpc":"2.0", "id": 7, "method":"tools/call", "params": {"name":"echo","arguments":{"big":'
    sent += b'12345678901234567890123,"float":1.0,"exp":1E2,"esc":"\\u00e4\\/"},"_meta":{"x":1},"later":true} }'
    run.client_says(sent)
    assert await run.server_line() == sent
    answer = b'{"result": {"content":[],"n":1.0,"big":98765432109876543210,"u":"\\u20ac"}, "id":7,"jsonrpc":"2.0" }'
    run.server_says(answer)
    assert await run.client_line() == answer + b"\n"


async def test_a_denied_call_never_reaches_the_server(start: Start) -> None:
    run = await start(SELECTIVE)
    await run.ready()
    run.client_says(call(1, "remove"), call(2, "hidden"), call(3, "unheard"), call(4, "echo"))
    denied, hidden, unheard = [await run.client_hears() for _ in range(3)]
    assert denied["result"]["isError"]
    assert "[POLICY DENIED]" in denied["result"]["content"][0]["text"]
    assert hidden["result"]["content"][0]["text"] == "Unknown tool: hidden"
    assert unheard["result"]["content"][0]["text"] == "Unknown tool: unheard"
    assert (await run.server_hears())["id"] == 4


async def test_lists_are_filtered_whatever_the_page(start: Start) -> None:
    run = await start(SELECTIVE)
    await run.handshake()
    run.client_says(message("tools/list", "first"), message("tools/list", "second", cursor="2"))
    assert [(await run.server_hears())["id"] for _ in range(2)] == ["first", "second"]
    run.server_says(result("second", tools=TOOLS[1:]), result("first", tools=TOOLS[:1], nextCursor="2"))
    second, first = await run.client_hears(), await run.client_hears()
    assert [tool["name"] for tool in first["result"]["tools"] + second["result"]["tools"]] == ["echo", "remove"]
    run.client_says(call(1))
    assert (await run.server_hears())["method"] == "tools/call"  # the pages were the whole list: nothing to ask


async def test_answers_may_come_out_of_order(start: Start) -> None:
    run = await start()
    await run.ready()
    run.client_says(*[call(n) for n in range(20)])
    assert [(await run.server_hears())["id"] for _ in range(20)] == list(range(20))
    for n in reversed(range(20)):
        run.server_says(text(n, str(n)))
    assert [(await run.client_hears())["id"] for _ in range(20)] == list(reversed(range(20)))


async def test_the_tools_are_asked_for_before_the_first_call_and_the_answer_is_swallowed(start: Start) -> None:
    policy = {"version": "1", "default": "allow", "tools": {"echo": {"schema": "closed"}}}
    run = await start(policy)
    await run.handshake()
    run.client_says(call(1, n=1), call(2, n="not a number"), message("ping", 3))
    heard = [await run.server_hears() for _ in range(2)]
    (own,) = [said for said in heard if said["method"] == "tools/list"]
    assert [said["id"] for said in heard if said is not own] == [3]  # others pass meanwhile
    run.server_says(result(own["id"], tools=TOOLS[:1], nextCursor="more"))
    following = await run.lists_tools(TOOLS[1:])
    assert following["params"]["cursor"] == "more"
    assert (await run.server_hears())["id"] == 1
    refused = await run.client_hears()
    assert refused["id"] == 2
    assert "argument `n`" in refused["result"]["content"][0]["text"]
    run.server_says(result(own["id"], tools=TOOLS), text(1, "late"))
    assert (await run.client_hears())["id"] == 1


async def test_a_server_without_tools_is_judged_without_definitions(start: Start) -> None:
    policy = {"version": "1", "default": "allow", "tools": {"remove": {"schema": "closed"}}}
    run = await start(policy)
    await run.handshake()
    run.client_says(call(1, "echo"), call(2, "remove"))
    own = await run.server_hears()
    run.server_says({"jsonrpc": "2.0", "id": own["id"], "error": {"code": -32601, "message": "no tools"}})
    again = {(await run.server_hears())["method"] for _ in range(1)}
    assert again == {"tools/call"}
    assert "(schema)" in (await run.client_hears())["result"]["content"][0]["text"]


async def test_the_stateless_era_needs_no_handshake(start: Start) -> None:
    run = await start(SELECTIVE)
    run.client_says(message("tools/call", 1, name="echo", arguments={}, _meta=MODERN))
    own = await run.lists_tools(resultType="complete")
    assert own["params"]["_meta"] == MODERN
    assert (await run.server_hears())["params"]["_meta"] == MODERN
    run.client_says(message("tools/list", 2, _meta=MODERN), message("tools/call", 3, name="remove", _meta=MODERN))
    await run.lists_tools()
    answers = {answer["id"]: answer["result"] for answer in [await run.client_hears() for _ in range(2)]}
    assert answers[2]["cacheScope"] == "private"
    assert answers[3]["resultType"] == "complete"


async def test_a_retry_of_an_unfinished_request_pays_once(start: Start) -> None:
    limit = {"counter": "calls", "window": "day", "max": 1, "scope": "grant"}
    run = await start({"version": "1", "default": "allow", "tools": {"echo": {"limits": [limit]}}})
    arguments: dict[str, Any] = {"name": "echo", "arguments": {"n": 1}, "_meta": MODERN}
    run.client_says(message("tools/call", 1, **arguments))
    await run.lists_tools()
    asked = {"who": {"method": "roots/list", "params": {}}}
    first = await run.server_hears()
    run.server_says(result(first["id"], resultType="input_required", inputRequests=asked, requestState="mine"))
    sealed = (await run.client_hears())["result"]["requestState"]
    assert sealed != "mine"
    run.client_says(message("tools/call", 2, **arguments, inputResponses={"who": {"roots": []}}, requestState=sealed))
    retry = await run.server_hears()
    assert retry["params"]["requestState"] == "mine"
    run.server_says(text(2, "done"))
    assert (await run.client_hears())["id"] == 2
    escaped = json.dumps(message("tools/call", 3, **arguments, requestState=sealed)).replace("tgs1", "t\\u0067s1")
    run.client_says(escaped.encode())
    malformed = await run.client_hears()
    assert (malformed["id"], malformed["error"]["code"]) == (3, -32602)
    run.client_says(message("tools/call", 3, **arguments))
    assert "Limit `calls` is used up" in (await run.client_hears())["result"]["content"][0]["text"]


async def test_what_a_server_asks_is_judged_before_the_client_sees_it(start: Start) -> None:
    run = await start({"version": "1", "default": "deny", "tools": {"echo": {}}, "methods": {"roots/list": {}}})
    await run.ready()
    run.server_says(message("sampling/createMessage", 1, messages=[]), message("roots/list", 2))
    refused = await run.server_hears()
    assert refused["id"] == 1
    assert refused["error"]["data"]["source"] == "toolgate"
    assert (await run.client_hears())["method"] == "roots/list"
    answer = result(2, roots=[])
    run.client_says(answer, answer)
    assert await run.server_hears() == answer
    error = await run.client_hears()
    assert "answers what nobody asked" in error["error"]["message"]


async def test_the_answer_to_a_request_that_was_refused_is_not_passed_on(start: Start) -> None:
    run = await start({"version": "1", "default": "deny", "tools": {"echo": {}}})
    await run.ready()
    run.server_says(message("sampling/createMessage", 1, messages=[]))
    await run.server_hears()
    run.client_says(result(1, role="assistant"), call(2))
    assert "error" in await run.client_hears()
    assert (await run.server_hears())["id"] == 2


async def test_notifications_of_the_server_pass_in_order_with_answers(start: Start) -> None:
    run = await start()
    await run.ready()
    run.client_says(call(1))
    await run.server_hears()
    progress = [message("notifications/progress", progressToken=1, progress=n) for n in range(5)]
    run.server_says(*progress, text(1, "done"))
    assert [await run.client_hears() for _ in range(6)] == [*progress, text(1, "done")]


async def test_a_cancelled_call_ends_its_record_and_its_late_answer_goes_nowhere(start: Start) -> None:
    run = await start()
    await run.ready()
    run.client_says(call(5))
    await run.server_hears()
    cancelled = message("notifications/cancelled", requestId=5, reason="enough")
    run.client_says(cancelled)
    assert await run.server_hears() == cancelled
    run.server_says(text(5, "late"), text(5, "later"))
    run.client_says(call(5), call(6))
    reused = await run.client_hears()
    assert reused["error"]["code"] == -32600
    assert (await run.server_hears())["id"] == 6
    await run.close()
    (decision,) = run.decisions(request_id=5, method="tools/call")
    assert run.outcomes(decision["decision_id"]) == ["client_gone"]


async def test_a_call_cancelled_before_it_was_judged_never_reaches_the_server(start: Start) -> None:
    run = await start()
    await run.handshake()
    run.client_says(call(1))
    own = await run.server_hears()
    assert own["method"] == "tools/list"
    run.client_says(message("notifications/cancelled", requestId=1), message("ping", 2))
    assert (await run.server_hears())["id"] == 2
    run.server_says(result(own["id"], tools=TOOLS), result(2))
    assert (await run.client_hears())["id"] == 2
    run.client_says(call(3))
    assert (await run.server_hears())["id"] == 3


async def test_a_task_belongs_to_the_grant_that_created_it(start: Start) -> None:
    run = await start()
    await run.ready()
    run.client_says(call(1))
    await run.server_hears()
    run.server_says(result(1, task={"taskId": "mine", "status": "working"}))
    await run.client_hears()
    run.client_says(message("tasks/get", 2, taskId="others"), message("tasks/get", 3, taskId="mine"))
    refused = (await run.client_hears())["error"]
    assert (refused["code"], refused["message"]) == (-32602, "there is no such task")
    assert (await run.server_hears())["id"] == 3
    assert [decision["rule"] for decision in run.decisions(outcome="deny")] == ["(task)"]


async def test_a_megabyte_passes_both_ways(start: Start) -> None:
    run = await start()
    await run.ready()
    words = "x" * (3 * 1024 * 1024)
    run.client_says(call(1, words=words))
    assert (await run.server_hears())["params"]["arguments"]["words"] == words
    run.server_says(text(1, words))
    assert (await run.client_hears())["result"]["content"][0]["text"] == words


async def test_every_message_is_on_record_with_who_and_what(start: Start) -> None:
    run = await start(SELECTIVE, "--grant", "laptop")
    await run.ready()
    run.client_says(call(1), call(2, "remove", n=1))
    await run.server_hears()
    run.server_says(text(1, "ok"))
    assert {(await run.client_hears())["id"] for _ in range(2)} == {1, 2}
    await run.close()
    (allowed,) = run.decisions(tool="echo")
    (denied,) = run.decisions(tool="remove")
    assert allowed["grant_label"] == denied["grant_label"] == "laptop"
    assert allowed["organisation"] == "run"
    assert allowed["session"] == denied["session"]
    assert denied["rule"] == "/tools/remove/action"
    assert denied["argument_names"] == ["n"]
    assert run.outcomes(allowed["decision_id"]) == ["result"]
    assert json.dumps(run.records()).count('"policy_id"') > 2
