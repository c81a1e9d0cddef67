"""A call that is held while its client waits, and everything that may end that."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from tests.gateway.running import ALLOW_ALL, Answer, Gateway, Grant, Json, Received, Recorder, Reply, call, http, modern
from tests.gateway.speaking import request_of

from toolgate.store import grants, stopping

from .desk import ASK, DEPLOY, approve, asked, deny, held, let_expire, of, waits
from .test_permits import granted, lists

pytestmark = pytest.mark.slow

TOKEN = "progress-7"


def with_token(tool: str = "deploy", id_: int = 1) -> Json:
    message = call(tool, id_=id_)
    message["params"]["_meta"] = {"progressToken": TOKEN}
    return message


@asynccontextmanager
async def waiting(grant: Grant, message: Json | None = None, **headers: str) -> AsyncIterator[asyncio.Task[Answer]]:
    """A client that waits for this call (or one of `deploy`), until the block ends."""
    before = sum(decision.outcome == "wait" for decision in grant.decisions())
    task = asyncio.create_task(grant.post(message or call("deploy"), **headers))
    await held(grant, before + 1)
    try:
        yield task
    finally:
        task.cancel()


async def answered(task: asyncio.Task[Answer]) -> Answer:
    async with asyncio.timeout(20):
        return await task


def sent(recorder: Recorder) -> list[int]:
    return [received.json["id"] for received in recorder.calls]


async def test_the_waiting_client_gets_the_result_of_the_very_call(patient: Gateway, recorder: Recorder) -> None:
    grant = granted(patient, recorder)
    async with waiting(grant) as client:
        assert recorder.calls == []
        approve(patient, await asked(grant))
        answer = await answered(client)
    assert (answer.text, answer.headers["content-type"]) == ("done", "application/json")
    held_, released = grant.decisions()
    assert (held_.outcome, released.outcome, released.decided_by) == ("wait", "allow", "cli:ada")
    assert held_.decision_id != released.decision_id
    first, second = await patient.outcomes(held_, released)
    assert (first.result, second.result) == ("approved", "result")


async def test_a_refused_call_ends_its_waiting_with_the_reason(patient: Gateway, recorder: Recorder) -> None:
    grant = granted(patient, recorder)
    async with waiting(grant) as client:
        deny(patient, await asked(grant), "ask the team first")
        answer = await answered(client)
    assert answer.denied
    assert "ask the team first" in answer.text
    assert "ada" not in answer.text
    assert [decision.outcome for decision in grant.decisions()] == ["wait", "deny"]
    assert recorder.calls == []


async def test_a_call_that_nobody_looked_at_ends_with_its_approval(patient: Gateway, recorder: Recorder) -> None:
    grant = granted(patient, recorder)
    async with waiting(grant) as client:
        let_expire(patient, await asked(grant))
        answer = await answered(client)
    assert answer.denied
    assert "Nobody approved this call in time" in answer.text


async def test_a_grant_that_is_revoked_ends_the_waiting(patient: Gateway, recorder: Recorder) -> None:
    grant = granted(patient, recorder)
    async with waiting(grant) as client:
        grants.revoke(patient.engine, "test", grant.id)
        patient.settle()
        answer = await answered(client)
    assert answer.denied
    assert "This grant" in answer.text
    assert recorder.calls == []


async def test_a_grant_that_is_revoked_with_the_approval_sends_nothing(patient: Gateway, recorder: Recorder) -> None:
    grant = granted(patient, recorder)
    async with waiting(grant) as client:
        approval = await asked(grant)
        grants.revoke(patient.engine, "test", grant.id)
        approve(patient, approval)
        patient.settle()
        assert (await answered(client)).denied
    assert recorder.calls == []


async def test_a_grant_that_is_stopped_refuses_what_waits_and_says_why(patient: Gateway, recorder: Recorder) -> None:
    grant = granted(patient, recorder)
    async with waiting(grant) as client:
        approval = await asked(grant)
        stopping.stop_grant(patient.engine, patient.data, "test", grant.id, "Look at it first")
        patient.settle()
        answer = await answered(client)
        assert answer.denied
        assert "Look at it first" in answer.text
    asked_, refused = grant.decisions()
    assert (refused.outcome, refused.rule, refused.approval_id) == ("deny", "(stopped)", approval.id)
    assert (await patient.outcomes(asked_))[0].result == "refused"
    assert [one.state for one in of(grant)] == ["void"]
    stopping.resume_grant(patient.engine, "test", grant.id)
    patient.settle()
    async with waiting(grant) as client:
        approve(patient, await asked(grant))
        assert (await answered(client)).text == "done"
    assert len(recorder.calls) == 1


async def test_a_server_that_is_stopped_takes_back_what_was_approved(hasty: Gateway, recorder: Recorder) -> None:
    grant = granted(hasty, recorder)
    assert waits(await grant.call("deploy"))
    approve(hasty, await asked(grant))
    stopping.stop_server(hasty.engine, hasty.data, "test", grant.server)
    stopping.resume_server(hasty.engine, "test", grant.server)
    hasty.settle()
    assert waits(await grant.call("deploy", id_=2))
    assert recorder.calls == []


DENIES: Json = {"version": "1", "default": "allow", "tools": {"deploy": {"action": "deny", "reason": "Frozen."}}}
OTHER_RULE: Json = {"version": "1", "default": "allow", "tools": {"dep*": {"action": "require_approval"}}}


@pytest.mark.parametrize(
    ("now", "said"),
    [(DENIES, "Frozen."), (ALLOW_ALL, "policy changed"), (OTHER_RULE, "policy changed")],
    ids=["denied", "allowed", "another rule"],
)
async def test_a_policy_that_changed_what_it_says_voids_the_approval(
    patient: Gateway, recorder: Recorder, now: Json, said: str
) -> None:
    grant = granted(patient, recorder)
    async with waiting(grant) as client:
        grant.use(now)
        approve(patient, await asked(grant))
        answer = await answered(client)
    assert answer.denied
    assert said in answer.text
    assert [approval.state for approval in of(grant)] == ["void"]
    assert recorder.calls == []


async def test_a_tool_that_is_hidden_by_now_is_unknown_by_now(patient: Gateway, recorder: Recorder) -> None:
    grant = granted(patient, recorder)
    async with waiting(grant) as client:
        grant.use({"version": "1", "default": "allow", "hide": ["deploy"]})
        approve(patient, await asked(grant))
        answer = await answered(client)
    assert answer.text == "Unknown tool: deploy"


async def test_a_policy_that_says_the_same_lets_the_approved_call_pass(patient: Gateway, recorder: Recorder) -> None:
    grant = granted(patient, recorder)
    async with waiting(grant) as client:
        grant.use({**ASK, "tools": {**ASK["tools"], "remove": {"action": "deny"}}})
        approve(patient, await asked(grant))
        assert (await answered(client)).text == "done"
    assert grant.decisions()[-1].revision == 2


async def test_a_definition_that_changed_voids_the_approval(patient: Gateway, recorder: Recorder) -> None:
    grant = granted(patient, recorder)
    async with waiting(grant) as client:
        recorder.reply = lists({**DEPLOY, "description": "Deploys to everywhere at once."})
        await grant.post({"jsonrpc": "2.0", "id": 9, "method": "tools/list"})
        approve(patient, await asked(grant))
        answer = await answered(client)
    assert answer.denied
    assert "definition of this tool changed" in answer.text
    assert [approval.state for approval in of(grant)] == ["void"]
    assert recorder.calls == []


async def test_limits_that_are_used_up_at_release_stop_it_and_leave_the_permit(
    patient: Gateway, recorder: Recorder
) -> None:
    limit = {"counter": "calls", "window": "month", "max": 1, "scope": "grant"}
    grant = granted(patient, recorder, {**ASK, "all_tools": {"limits": [limit]}})
    async with waiting(grant) as client:
        assert (await grant.call("look", id_=5)).text == "done"
        approve(patient, await asked(grant))
        answer = await answered(client)
    assert answer.denied
    assert "used up" in answer.text
    assert [approval.state for approval in of(grant)] == ["approved"]
    assert sent(recorder) == [5]


async def test_of_two_who_wait_for_one_approval_one_passes_and_the_other_is_told(
    patient: Gateway, recorder: Recorder
) -> None:
    grant = granted(patient, recorder)
    async with waiting(grant, call("deploy", id_=1)) as one, waiting(grant, call("deploy", id_=2)) as two:
        (approval,) = of(grant)
        approve(patient, approval)
        results = [await answered(one), await answered(two)]
    texts = sorted(answer.text for answer in results)
    assert "An identical call used this approval first" in texts[0]
    assert texts[1] == "done"
    assert len(recorder.calls) == 1


async def test_of_many_who_reach_for_one_permit_at_the_same_moment_one_passes_and_pays(
    tmp_path: Path, recorder: Recorder
) -> None:
    """With counters in a file every reservation suspends its call, so all of them see the permit before one uses it."""
    gateway = Gateway(tmp_path / "data", "--approval-wait", "120", "--counters", "sqlite").start()
    try:
        limit = {"counter": "calls", "window": "month", "max": 2, "scope": "grant"}
        grant = granted(gateway, recorder, {**ASK, "all_tools": {"limits": [limit]}})
        clients = [asyncio.create_task(grant.post(call("deploy", id_=number))) for number in range(6)]
        await held(grant, len(clients))
        (approval,) = of(grant)
        approve(gateway, approval)
        texts = [(await answered(client)).text for client in clients]
        assert sum(text == "done" for text in texts) == 1
        assert len(recorder.calls) == 1
        assert (await grant.call("look")).text == "done"
        assert "used up" in (await grant.call("look")).text
    finally:
        gateway.close()


async def test_after_a_client_that_gave_up_the_identical_repeat_passes_once_and_only_once(
    patient: Gateway, recorder: Recorder
) -> None:
    grant = granted(patient, recorder)
    async with waiting(grant):
        approval = await asked(grant)
    (gone,) = await patient.outcomes(*grant.decisions())
    assert gone.result == "client_gone"
    approve(patient, approval)
    assert recorder.calls == []
    assert (await grant.call("deploy", id_=2)).text == "done"
    async with waiting(grant, call("deploy", id_=3)):
        assert [approval.state for approval in of(grant)] == ["used", "pending"]
    assert sent(recorder) == [2]


async def test_a_client_that_takes_its_call_back_is_not_surprised_by_it_later(
    patient: Gateway, recorder: Recorder
) -> None:
    grant = granted(patient, recorder)
    async with waiting(grant, call("deploy", id_=7)) as client:
        approval = await asked(grant)
        cancel = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 7}}
        await grant.post({**cancel, "params": {"requestId": "7"}})
        await grant.post(cancel)
        assert "took this call back" in (await answered(client)).text
    approve(patient, approval)
    assert recorder.calls == []
    assert (await patient.outcomes(grant.decisions()[0]))[0].result == "client_gone"


async def test_a_client_of_another_grant_takes_nothing_back(patient: Gateway, recorder: Recorder) -> None:
    grant = granted(patient, recorder)
    other = patient.grant(grant.server, ASK)
    async with waiting(grant, call("deploy", id_=7)) as client:
        cancel = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 7}}
        await other.post(cancel)
        approve(patient, await asked(grant))
        assert (await answered(client)).text == "done"


# --- what a client with a progress token sees


class Listener:
    """A client that reads the answer as it comes."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader
        self.head = ""

    async def event(self) -> Json:
        """The next event, or the end of the stream as None."""
        while True:
            size = int(await self._reader.readuntil(b"\r\n"), 16)
            text = (await self._reader.readexactly(size + 2))[:-2]
            if not size:
                return None
            self._text = getattr(self, "_text", b"") + text
            if self._text.endswith(b"\n\n"):
                event, self._text = self._text, b""
                assert event.startswith(b"event: message\ndata: ")
                assert event.count(b"\n") == 3
                return json.loads(event.partition(b"data: ")[2])


@asynccontextmanager
async def listening(grant: Grant, message: Json, *fields: str) -> AsyncIterator[Listener]:
    reader, writer = await asyncio.open_connection("127.0.0.1", grant.gateway.port, limit=32 * 1024 * 1024)
    writer.write(request_of(grant, json.dumps(message).encode(), *fields))
    listener = Listener(reader)
    try:
        async with asyncio.timeout(20):
            listener.head = (await reader.readuntil(b"\r\n\r\n")).decode()
            yield listener
    finally:
        writer.transport.abort()


async def test_progress_tells_the_approval_and_then_the_result_comes_on_the_same_stream(
    patient: Gateway, recorder: Recorder
) -> None:
    grant = granted(patient, recorder)
    async with listening(grant, with_token()) as client:
        first, second = await client.event(), await client.event()
        approval = await asked(grant)
        approve(patient, approval)
        while (answer := await client.event()).get("method") == "notifications/progress":
            pass
        assert await client.event() is None
    assert client.head.startswith("HTTP/1.1 200")
    assert "content-type: text/event-stream" in client.head
    assert {first["params"]["progressToken"], second["params"]["progressToken"]} == {TOKEN}
    assert first["params"]["progress"] < second["params"]["progress"] < 0
    assert approval.id in first["params"]["message"]
    assert (answer["id"], answer["result"]["content"][0]["text"]) == (1, "done")


async def released(grant: Grant, message: Json, *fields: str) -> Json:
    """The last event of an approved call whose answer began with progress; nothing follows it."""
    async with listening(grant, message, *fields) as client:
        await client.event()
        approve(grant.gateway, await asked(grant))
        while (answer := await client.event()).get("method") == "notifications/progress":
            pass
        assert await client.event() is None
    return answer


def answers_with(text: bytes) -> Reply:
    async def reply(_request: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(text)

    return reply


RESULT = b'{"jsonrpc": "2.0", "id": 1, "result": {"content": [], "sum": 1.10}}'
PRETTY = b'{\r\n "jsonrpc": "2.0",\n "id": 1,\r "result": {"content": [], "sum": 1.10}\n}\n'
BIG = b'{"jsonrpc": "2.0",\n "id": 1, "result": {"sum": 1.10, "content": [{"type": "text", "text": "%b"}]}}'
CHUNKED = b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\ntransfer-encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n"


def chunked(kind: bytes, body: bytes) -> bytes:
    return CHUNKED % (kind, len(body), body)


@pytest.mark.parametrize(
    "answer",
    [
        http(200, RESULT),
        http(200, PRETTY),
        chunked(b"application/json", RESULT),
        chunked(b"application/json", BIG % (b"x" * 3_000_000)),
        chunked(b"text/event-stream", b"event: message\ndata: " + RESULT + b"\n\n"),
    ],
    ids=["json", "pretty json", "json in parts", "long json", "events"],
)
async def test_a_result_in_any_form_becomes_an_event(patient: Gateway, recorder: Recorder, answer: bytes) -> None:
    recorder.reply = answers_with(answer)
    event = await released(granted(patient, recorder), with_token())
    assert (event["id"], event["result"]["sum"]) == (1, 1.10)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (http(404, b'{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"Session gone"}}'), "Session gone"),
        (http(404, b'{"error":"no session"}'), "HTTP status 404"),
        (http(429, b"slow down", kind="text/plain"), "HTTP status 429"),
        (http(503, b"", kind="text/plain"), "HTTP status 503"),
        (http(202, b""), "HTTP status 202"),
        (http(200, b"[]"), "upstream failed"),
        (b"HTTP/1.1 broken\r\n\r\n", "upstream failed"),
    ],
)
async def test_a_failure_of_the_server_becomes_an_error_of_the_request(
    patient: Gateway, recorder: Recorder, answer: bytes, said: str
) -> None:
    recorder.reply = answers_with(answer)
    event = await released(granted(patient, recorder), with_token())
    assert event["id"] == 1
    assert said in event["error"]["message"]


async def test_the_stateless_era_sees_progress_too(patient: Gateway, recorder: Recorder) -> None:
    grant = granted(patient, recorder)
    body, headers = modern("tools/call", {"name": "deploy", "arguments": {}})
    body["params"]["_meta"]["progressToken"] = 5
    fields = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    event = await released(grant, body, *fields)
    assert event["result"]["content"][0]["text"] == "done"


async def test_a_refusal_is_an_event_too(patient: Gateway, recorder: Recorder) -> None:
    grant = granted(patient, recorder)
    async with listening(grant, with_token()) as client:
        await client.event()
        deny(patient, await asked(grant), "no")
        while (answer := await client.event()).get("method") == "notifications/progress":
            pass
        assert await client.event() is None
    assert answer["result"]["isError"] is True


async def test_a_client_that_hangs_up_while_it_sees_progress_is_gone(patient: Gateway, recorder: Recorder) -> None:
    grant = granted(patient, recorder)
    async with listening(grant, with_token()) as client:
        await client.event()
        approval = await asked(grant)
    (gone,) = await patient.outcomes(*grant.decisions())
    assert gone.result == "client_gone"
    approve(patient, approval)
    assert (await grant.call("deploy", id_=2)).text == "done"
    assert sent(recorder) == [2]


async def test_a_client_that_takes_no_events_gets_one_answer(patient: Gateway, recorder: Recorder) -> None:
    grant = granted(patient, recorder)
    async with waiting(grant, with_token(), accept="application/json") as client:
        approve(patient, await asked(grant))
        answer = await answered(client)
    assert (answer.text, answer.headers["content-type"]) == ("done", "application/json")


# --- the end of a process


@pytest.mark.parametrize("number", [pytest.param(signal.SIGTERM, marks=pytest.mark.nightly), signal.SIGKILL])
async def test_an_end_of_the_gateway_loses_no_approval(
    tmp_path: Path, recorder: Recorder, number: signal.Signals
) -> None:
    gateway = Gateway(tmp_path / "data", "--approval-wait", "120").start()
    try:
        grant = granted(gateway, recorder)
        async with waiting(grant) as client:
            approval = await asked(grant)
            await asyncio.to_thread(gateway.stop, number)
            if number is signal.SIGTERM:
                assert waits(await answered(client))
            else:
                with pytest.raises(aiohttp.ClientError, match="disconnected"):
                    await answered(client)
        approve(gateway, approval)
        await asyncio.to_thread(gateway.start)
        assert (await grant.call("deploy", id_=2)).text == "done"
        async with waiting(grant, call("deploy", id_=3)):
            assert sent(recorder) == [2]
        await asyncio.to_thread(gateway.stop, signal.SIGKILL)
        await asyncio.to_thread(gateway.start)
        async with waiting(grant, call("deploy", id_=4)):
            assert [one.state for one in of(grant)] == ["used", "pending"]
        assert sent(recorder) == [2]
    finally:
        gateway.close()
