"""What the gateway itself says to a client: denials, unknown tools, failures of the upstream.

A denied call is an ordinary tool result with `isError`, because the model must read why and clients of every kind show
it; HTTP errors would end their sessions or start OAuth (measured; gateway.md, "What the client sees").
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import msgspec

from toolgate.gateway.call import Call, Denial
from toolgate.limits.counters import Exhausted
from toolgate.policy.charges import REPEATS
from toolgate.policy.decision import NANO, Unit, Verdict
from toolgate.protocol.hidden_text import without_in_plain
from toolgate.protocol.messages import Message
from toolgate.protocol.revisions import CLIENT_CAPABILITIES_KEY, SUBSCRIPTION_KEY
from toolgate.store.approvals import Approval

JSON_HEADERS: Final = ((b"content-type", b"application/json"),)
META_KEY: Final = "io.toolgate/denial"
"""Key of the machine-readable form of a denial in `_meta`."""
APPROVAL_KEY: Final = "io.toolgate/approval"
"""The same of a call that still waits for a person."""
DENIED: Final = 1001
"""JSON-RPC error code of a refused method: outside -32768..-32000, which clients give meanings of their own."""
UPSTREAM_FAILED: Final = 1002
GATEWAY_FAILED: Final = 1003
WAITING: Final = 1004
"""A method that still waits for a person: repeat it."""
_SOURCE: Final = "toolgate"
LIST_CHANGED: Final = "notifications/tools/list_changed"
NOT_OWN: Final = Verdict("deny", "(task)", "This grant has no such task.")
_EXTENSION: Final = "io.modelcontextprotocol/tasks"
_METHODS: Final = frozenset({"tasks/get", "tasks/update", "tasks/cancel"})
"""What the extension has; `tasks/result` is of revision 2025-11-25 only."""
_METHOD_NOT_FOUND: Final = -32601
_INVALID_PARAMS: Final = -32602
_MISSING_CAPABILITY: Final = -32021

Id = str | int | None


def refusal(call: Call, denied: Denial) -> bytes:
    """What answers a request that goes no further, whatever it is and whatever stopped it."""
    message, verdict = call.message, denied.verdict
    if denied.approval is not None:
        return waiting(call, verdict, denied.approval)
    if verdict is NOT_OWN:
        return _unknown_task(message, call.id, modern=call.modern)
    if message.method != "tools/call":
        return refused_method(message.id, message.method, verdict, call.id, denied.hint)
    if not verdict.visible:
        return unknown_tool(message.id, call.tool, modern=call.modern)
    return denial(message.id, call.tool, verdict, call.id, modern=call.modern, full=denied.limit, hint=denied.hint)


def _unknown_task(message: Message, decision: str, *, modern: bool) -> bytes:
    """What a server says of a task that it does not know, so that another grant's is not told from none.

    In revision 2026-07-28 some methods are gone, and the client must have declared the extension (SEP-2663).
    """
    code, text = _INVALID_PARAMS, "there is no such task"
    facts: dict[str, object] = {"decision": decision}
    if modern and message.method not in _METHODS:
        code, text = _METHOD_NOT_FOUND, f"revision 2026-07-28 has no `{message.method}`"
    elif modern and not _declares_tasks(message.meta.get(CLIENT_CAPABILITIES_KEY)):
        code, text = _MISSING_CAPABILITY, f"the client did not declare `{_EXTENSION}`"
        facts["requiredCapabilities"] = {"extensions": {_EXTENSION: {}}}
    return error(message.id, code, text, facts)


def _declares_tasks(capabilities: object) -> bool:
    extensions = capabilities.get("extensions") if isinstance(capabilities, dict) else None
    return isinstance(extensions, dict) and _EXTENSION in extensions


def waiting(call: Call, verdict: Verdict, approval: Approval) -> bytes:
    """A call that nobody has decided on yet: nothing was sent, and an identical repeat goes on waiting."""
    what, until = call.tool or call.message.method, iso(int(approval.expires))
    text = (
        f"Waiting for approval {approval.id}: `{what}` needs a person's consent and was not run yet. "
        f"{_sentence(verdict.message)} Repeat the identical call to go on waiting, or to get its result once it is "
        f"approved; the request stands until {until}. Rule: {verdict.rule}. Decision: {call.id}."
    )
    facts: dict[str, object] = {"approval": approval.id, "state": "pending", "expires": until}
    facts |= {"rule": verdict.rule, "decision": call.id}
    if call.message.method != "tools/call":
        return error(call.message.id, WAITING, text, facts)
    return _tool_result(call.message.id, text, {APPROVAL_KEY: {"tool": call.tool, **facts}}, modern=call.modern)


def denial(
    id_: Id,
    tool: str,
    verdict: Verdict,
    decision: str,
    *,
    modern: bool,
    full: Exhausted | None = None,
    hint: str = "",
) -> bytes:
    """The result of a refused `tools/call`; `hint`: what a repeat can do, where no limit says that."""
    rule = f" Rule: {verdict.rule}." if verdict.rule else ""
    text = (
        f"[POLICY DENIED] policy violation: `{tool}` was refused. {_sentence(verdict.message)}"
        f"{rule} {hint or retry_hint(full)} Decision: {decision}."
    )
    facts: dict[str, object] = {"tool": tool, "rule": verdict.rule, "decision": decision}
    if full is not None:
        facts["limit"] = limit_facts(full)
    return _tool_result(id_, text, {META_KEY: facts}, modern=modern)


def unknown_tool(id_: Id, tool: str, *, modern: bool) -> bytes:
    """One answer for hidden, unlisted and absent tools, so that nobody can tell them apart by asking."""
    return _tool_result(id_, f"Unknown tool: {tool}", None, modern=modern)


def refused_method(id_: Id, method: str, verdict: Verdict, decision: str, hint: str = "") -> bytes:
    """The error of a refused method that is no tool call."""
    message = f"[POLICY DENIED] policy violation: `{method}` was refused. {_sentence(verdict.message)} {hint}".rstrip()
    return error(id_, DENIED, message, {"rule": verdict.rule, "decision": decision})


def withheld(call: Call, rule: str, message: str) -> bytes:
    """What takes the place of an answer that the policy lets not pass; the call itself was made."""
    what = call.tool or call.message.method
    text = (
        f"[POLICY DENIED] policy violation: the answer of `{what}` was withheld. {_sentence(message)} The call itself "
        f"was made, so repeat it only if that does no harm. Rule: {rule}. Decision: {call.id}."
    )
    facts: dict[str, object] = {"tool": call.tool, "rule": rule, "decision": call.id, "withheld": True}
    if call.message.method != "tools/call":
        return error(call.message.id, DENIED, text, {"rule": rule, "decision": call.id})
    return _tool_result(call.message.id, text, {META_KEY: facts}, modern=call.modern)


def error(id_: Id, code: int, message: str, data: dict[str, object] | None = None) -> bytes:
    """A JSON-RPC error that names the gateway as its source in `data`; `message` may repeat what a server said."""
    body = {
        "jsonrpc": "2.0",
        "id": id_,
        "error": {"code": code, "message": without_in_plain(message), "data": {"source": _SOURCE, **(data or {})}},
    }
    return msgspec.json.encode(body)


def list_changed(subscription: Id = None) -> bytes:
    """The notice that tools may look different; `subscription` is the id of the `subscriptions/listen` it is for."""
    message: dict[str, object] = {"jsonrpc": "2.0", "method": LIST_CHANGED}
    if subscription is not None:
        message["params"] = {"_meta": {SUBSCRIPTION_KEY: subscription}}
    return msgspec.json.encode(message)


def plain_status(word: str, fault: str) -> bytes:
    """The body of a health probe."""
    return msgspec.json.encode({"status": "failing", "cause": fault} if fault else {"status": word})


def retry_hint(full: Exhausted | None) -> str:
    """Whether and when a retry can help, as a sentence."""
    if full is None:
        return "Repeating the same call will not help."
    if full.resets_at is None:
        return "This call alone exceeds the limit, so waiting will not help."
    return f"Retry after {iso(full.resets_at)}."


def limit_message(full: Exhausted) -> str:
    """What was used of which limit, for people."""
    charge = full.charge
    span = f"one {charge.window.value}" if isinstance(charge.window, Unit) else f"any {charge.window} seconds"
    if charge.counter.startswith(REPEATS):
        return (
            f"This call was made with the same arguments {plain(full.used)} times, and limit `{charge.counter}` allows "
            f"{plain(charge.maximum)} in {span}."
        )
    return (
        f"Limit `{charge.counter}` is used up: {plain(full.used)} of {plain(charge.maximum)} in {span}, "
        f"and this call needs {plain(charge.amount)}."
    )


def limit_hint(full: Exhausted) -> str:
    """What to do about a limit, where that is not to wait; "" where it is."""
    if not full.charge.counter.startswith(REPEATS) or full.resets_at is None:
        return ""
    return (
        f"Use what it answered before or do something else; the identical call is refused until {iso(full.resets_at)}."
    )


def flow_hint(full: Exhausted) -> str:
    """When a call that a flow refused may pass again."""
    if full.resets_at is None:
        return "Repeating the same call will not help in this session."
    return f"It is denied until {iso(full.resets_at)}, and longer if one of those is used again."


def limit_facts(full: Exhausted) -> dict[str, object]:
    """The limit that refused a call, for machines; amounts as decimal text."""
    return {
        "counter": full.charge.counter,
        "used": plain(full.used),
        "max": plain(full.charge.maximum),
        "resets_at": None if full.resets_at is None else iso(full.resets_at),
    }


def plain(nano: int) -> str:
    """An amount of nano units as decimal text without trailing zeros."""
    whole, rest = divmod(abs(nano), NANO)
    sign = "-" if nano < 0 else ""
    return f"{sign}{whole}" + (f".{rest:09d}".rstrip("0") if rest else "")


def iso(epoch: int) -> str:
    """An instant as RFC 3339 in UTC."""
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _tool_result(id_: Id, text: str, meta: dict[str, object] | None, *, modern: bool) -> bytes:
    result: dict[str, object] = {"content": [{"type": "text", "text": text}], "isError": True}
    if meta is not None:
        result["_meta"] = meta
    if modern:
        result["resultType"] = "complete"
    return msgspec.json.encode({"jsonrpc": "2.0", "id": id_, "result": result})


def _sentence(message: str) -> str:
    """The author's message as a sentence of its own."""
    message = message.strip()
    return message if not message or message[-1] in ".!?" else message + "."
