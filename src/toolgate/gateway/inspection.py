"""What an upstream's message becomes before the client sees it.

One function for every way a message can arrive (JSON body, event of any stream, replay), because a filter that is keyed
to one way misses the others: text is cleaned, lists are filtered, unfinished requests sealed, tasks bound, requests of
the server given to the policy.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import msgspec
from msgspec import UNSET

from toolgate.gateway import answers, cleaning, listing, replies
from toolgate.gateway.access import Access
from toolgate.gateway.call import Call, Ending
from toolgate.gateway.cleaning import Withheld
from toolgate.gateway.replies import ErrorPart, NotUnderstood, Reply, ResultPart
from toolgate.gateway.seals import RequestState, Seals
from toolgate.gateway.tasks import Tasks
from toolgate.policy.charges import BY_SIZE, actual_amount
from toolgate.policy.decision import Verdict
from toolgate.protocol.hidden_text import suspicious
from toolgate.protocol.messages import Message

STATE_LIFETIME: Final = 15 * 60
"""Seconds in which the retry of an unfinished request pays nothing again."""

Learned = Callable[[Access, list[tuple[str, bytes]]], None]


@dataclass(slots=True)
class Inspected:
    """One message after inspection.

    `body` is for the client: the very object that came in where nothing had to change. `answer`: it ends the client's
    request. `asked` is what the server asks of the client, which the policy must allow first. `refused` is why the
    client may not have a request or notification; then `body` is empty.
    """

    body: bytes
    answer: bool = False
    asked: Message | None = None
    refused: Verdict | None = None


class Inspector:
    """Looks at every message of the upstreams of this process. `learned` is told every list of tools that passes."""

    def __init__(self, seals: Seals, tasks: Tasks, learned: Learned) -> None:
        self._seals = seals
        self._tasks = tasks
        self.learned = learned

    def inspect(self, raw: bytes, call: Call, ending: Ending) -> Inspected:
        """Look into one message, and rewrite it where needed; raises NotUnderstood."""
        reply = replies.peek(raw)
        if not reply.is_answer:
            return self.unasked(raw, reply, call.access, ending)
        own = reply.id == call.message.id
        if own:
            _note_end(reply, ending)
        try:
            return Inspected(self._answer(raw, reply, call, ending, own=own), answer=own)
        except Withheld as withheld:
            if own:
                return self.withhold(call, ending, withheld)
            ending.withheld = withheld.rule
            text = answers.withheld(call, withheld.rule, withheld.message)
            return Inspected(listing.readdressed(text, reply.id))

    def unasked(self, raw: bytes, reply: Reply, access: Access, ending: Ending) -> Inspected:
        """A request or notification of the server as the client may have it; raises NotUnderstood."""
        asks = reply.id is not UNSET
        try:
            text = cleaning.uncovered(raw, access.policy, ending)
        except Withheld as withheld:
            ending.withheld = withheld.rule
            verdict = Verdict("deny", withheld.rule, withheld.message)
            return Inspected(b"", asked=replies.request_of(raw) if asks else None, refused=verdict)
        text = cleaning.redacted(text, cleaning.rules_for_anything(access.policy), ending)
        return Inspected(text, asked=replies.request_of(text) if asks else None)

    def withhold(self, call: Call, ending: Ending, withheld: Withheld) -> Inspected:
        """What takes the place of the answer to this very request."""
        ending.answered, ending.result, ending.withheld = True, "error", withheld.rule
        return Inspected(answers.withheld(call, withheld.rule, withheld.message), answer=True)

    def _answer(self, raw: bytes, reply: Reply, call: Call, ending: Ending, *, own: bool) -> bytes:
        """`own`: the answer to this very request, not a replayed or a stray one."""
        policy = call.access.policy
        rules = cleaning.rules_for(call) if own else cleaning.rules_for_anything(policy)
        cap = cleaning.cap_of(call, rules) if own else rules.cap
        if cap is not None and len(raw) > cap.bytes:
            raise cleaning.too_long(cap)
        text = raw
        if suspicious(raw) and cleaning.mode_of(policy) != "pass":
            text = self._uncovered(raw, reply, call.access, ending)
            reply = _still(reply, text)
        if own and any(charge.settle for charge in call.charges):
            ending.actual = _settled(call, reply, len(raw))
        text = self._result(text, raw, reply, call, ending, own=own)
        if not rules.detectors:
            return text
        shown = cleaning.redacted(text, rules, ending)
        _still(reply, shown)
        return shown

    def _uncovered(self, raw: bytes, reply: Reply, access: Access, ending: Ending) -> bytes:
        """Without hidden characters; raises Withheld where nothing may pass."""
        if isinstance(reply.result, ResultPart) and _is_list(reply.result.tools):
            strict = cleaning.mode_of(access.policy) == "deny"
            raw, removed = listing.legible(raw, strict=strict)
            ending.removed += removed
        return cleaning.uncovered(raw, access.policy, ending)

    def _result(self, raw: bytes, sent: bytes, reply: Reply, call: Call, ending: Ending, *, own: bool) -> bytes:
        """`sent` is the message as it came, by which definitions are known."""
        result, access = reply.result, call.access
        if not isinstance(result, ResultPart):
            return raw
        if _is_list(result.tools):
            self.learned(access, listing.tools_of(sent))
            return listing.filtered(raw, access.shows, modern=own and call.modern)
        if _is_list(result.tasks):
            return listing.own_tasks(raw, self._own_task(access))
        if not own:
            return raw
        if call.message.method == "tools/list":
            raise NotUnderstood("has no list of tools")
        self._bind_task(result, access)
        if call.message.method == "initialize":
            _note_handshake(result, ending)
        if call.modern and replies.value(result.result_type) == "input_required":
            return self._unfinished(raw, result, call, ending)
        return raw

    def _own_task(self, access: Access) -> Callable[[str], bool]:
        return lambda task: self._tasks.owned(access.server_id, task, access.grant_id)

    def _bind_task(self, result: ResultPart, access: Access) -> None:
        """A task of revision 2025-11-25 stands in `task`; the tasks extension of 2026-07-28 has `taskId` itself."""
        if result.task is not UNSET:
            task = replies.value(result.task)
            task_id = task.get("taskId") if isinstance(task, dict) else None
        elif result.task_id is not UNSET and replies.value(result.result_type) == "task":
            task_id = replies.value(result.task_id)
        else:
            return
        if isinstance(task_id, str):
            self._tasks.bind(access.server_id, task_id, access.grant_id)

    def _unfinished(self, raw: bytes, result: ResultPart, call: Call, ending: Ending) -> bytes:
        """An `input_required` result: what the server asks is judged, its state is sealed to this very request."""
        refused = _refused_input(replies.input_asked(result.input_requests), call)
        if refused is not None:
            ending.result, ending.withheld = "error", refused.rule
            return answers.denial(call.message.id, call.tool, refused, call.id, modern=True)
        inner = replies.value(result.request_state)
        state = RequestState(
            decision=call.id,
            method=call.message.method,
            name=call.tool,
            arguments=call.arguments_digest,
            round=call.round + 1,
            expires=int(time.time()) + STATE_LIFETIME,
            inner=inner if isinstance(inner, str) else None,
            approval=call.approval_id,
        )
        sealed = self._seals.seal_state(state, call.access.grant_id, call.access.server_id)
        return listing.replaced_result(raw, {"requestState": sealed})


def _note_end(reply: Reply, ending: Ending) -> None:
    ending.answered = True
    ending.result = replies.kind(reply)
    ending.not_run = replies.did_not_run(reply)
    if isinstance(reply.error, ErrorPart):
        ending.code = reply.error.code


def _still(reply: Reply, text: bytes) -> Reply:
    """The message after its text was changed; raises NotUnderstood where that changed whom it is for."""
    changed = replies.peek(text)
    if changed.id != reply.id:
        raise NotUnderstood("has an id that the policy lets not pass")
    return changed


def _settled(call: Call, reply: Reply, size: int) -> dict[str, int]:
    """The actual amount of each charge that settles; one that the answer does not tell stands as reserved.

    `size` in bytes tells nothing where the result is still to come: in a later round, or from a task.
    """
    result = reply.result if isinstance(reply.result, ResultPart) else ResultPart()
    structured, final = replies.value(result.structured_content), _is_final(result)
    charges = (charge for charge in call.charges if final or charge.settle != BY_SIZE)
    actual = ((charge.key, actual_amount(charge, structured, size)) for charge in charges)
    return {key: amount for key, amount in actual if amount is not None}


def _is_final(result: ResultPart) -> bool:
    unfinished = replies.value(result.result_type) in {"input_required", "task"}
    return not unfinished and result.task is UNSET


def _refused_input(asked: list[Message], call: Call) -> Verdict | None:
    """Why the policy refuses one of the requests that stand in an unfinished result; None when it allows them all."""
    policy = call.access.policy
    if policy is None:
        return None
    for request in asked:
        verdict = policy.judge_method(request.method, request.params, call.subject, time.time())
        if verdict.outcome != "allow":
            message = f"The server asked for `{request.method}`, which this grant may not give. {verdict.message}"
            return Verdict("deny", verdict.rule, message.strip())
    return None


def _note_handshake(result: ResultPart, ending: Ending) -> None:
    ending.agreed_revision = str(replies.value(result.protocol_version) or "")
    capabilities = replies.value(result.capabilities)
    tools = capabilities.get("tools") if isinstance(capabilities, dict) else None
    ending.list_changed = isinstance(tools, dict) and tools.get("listChanged") is True


def _is_list(raw: object) -> bool:
    return isinstance(raw, msgspec.Raw) and bytes(raw)[:1] == b"["
