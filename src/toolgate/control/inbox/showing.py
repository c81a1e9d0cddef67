"""All that a person needs to decide on one call, as the data of a page: the call, why it waits, what is new in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import msgspec

from toolgate.classifier.classify import Classification, classify
from toolgate.control.inbox import call as held
from toolgate.control.inbox import circumstances
from toolgate.control.inbox.call import Call, Value
from toolgate.control.inbox.circumstances import Tool
from toolgate.control.inbox.deciding import left
from toolgate.control.state import State
from toolgate.keys import SealBroken
from toolgate.policy.categories import Category, risk_of
from toolgate.store import described
from toolgate.store.approvals import SEAL, Approval, ApprovalStore
from toolgate.store.database import reading

_PREVIEW = 3
_PREVIEW_TEXT = 80


def call_of(state: State, store: ApprovalStore, approval: Approval) -> Call | None:
    """The held call; None where its seal cannot be opened any more (its key is gone)."""
    try:
        return held.read(state.master.sealer(SEAL).open(store.sealed(approval.id), approval.id.encode()))
    except SealBroken:
        return None


def summary(approval: Approval) -> dict[str, Any]:
    """One line of a list: the approval and the seconds that are left of it."""
    return {**described.approval(approval), "left": left(approval)}


def previewed(state: State, store: ApprovalStore, approval: Approval) -> dict[str, Any]:
    """The same with the beginning of its first arguments."""
    call = call_of(state, store, approval)
    arguments = {} if call is None else call.arguments
    shown = held.values(dict(list(arguments.items())[:_PREVIEW]), None)
    preview = [{"name": value.name, "text": _cut(value.text)} for value in shown]
    return {**summary(approval), "preview": preview, "more": max(0, len(arguments) - _PREVIEW)}


def _cut(text: str) -> str:
    line = " ".join(text[: 4 * _PREVIEW_TEXT].split())
    return line if len(line) <= _PREVIEW_TEXT else line[: _PREVIEW_TEXT - 1] + "…"


def whole(state: State, store: ApprovalStore, approval: Approval) -> dict[str, Any]:
    """Everything about one approval."""
    call, previous = call_of(state, store, approval), store.previous(approval)
    earlier = None if previous is None else call_of(state, store, previous)
    with reading(state.engine) as connection:
        tool = circumstances.tool_of(connection, approval)
        asking = circumstances.asking(connection, approval)
    return {
        "approval": summary(approval),
        "call": None if call is None else _call(call, earlier),
        "previous": None if previous is None else _previous(approval, previous),
        "tool": _tool(tool),
        "asking": asdict(asking),
    }


def _call(call: Call, earlier: Call | None) -> dict[str, Any]:
    before, beside = (None, None) if earlier is None else (earlier.arguments, earlier.others)
    return {
        "method": call.method,
        "arguments": _values(call.arguments, before),
        "left_out": _plain(held.left_out(call.arguments, before)),
        "others": _values(call.others, beside),
    }


def _values(now: Mapping[str, msgspec.Raw], before: Mapping[str, msgspec.Raw] | None) -> list[dict[str, Any]]:
    return _plain(held.values(now, before))


def _plain(values: Sequence[Value]) -> list[dict[str, Any]]:
    return [asdict(value) for value in values]


def _previous(approval: Approval, previous: Approval) -> dict[str, Any]:
    """The last approved call; `same_definition` where its tool said the same of itself."""
    return {**summary(previous), "same_definition": previous.fingerprint == approval.fingerprint}


def _tool(tool: Tool) -> dict[str, Any]:
    risk = None if tool.definition is None else _risk(classify(tool.definition), tool.category)
    changed = tool.standing == "changed" and tool.definition is not None and tool.now is not None
    diff = held.difference(_text(tool.definition), _text(tool.now)) if changed else ()
    return {
        "standing": tool.standing,
        "description": tool.description,
        "definition": tool.definition,
        "risk": risk,
        "diff": diff,
    }


def _risk(said: Classification, taken: Category | None) -> dict[str, Any]:
    """What the tool is taken for, and why, where the lexicon says the same."""
    if taken is None or taken == said.category:
        return said.facts()
    return {**said.facts(), "category": taken, "risk": risk_of(taken), "evidence": []}


def _text(definition: dict[str, Any] | None) -> str:
    return held.readable(msgspec.json.encode(definition))
