"""`/policies/new` and `/policies/{id}/edit`: the visual policy builder.

One form holds everything; each of its buttons sends all of it, and the page comes back with the draft moved on. Only
"Save" stores something, over the revision that the draft began with and no other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from toolgate.control.builder.answers import REDACTIONS
from toolgate.control.builder.drafts import Look, lines
from toolgate.control.builder.flows import SORTS, no_flow
from toolgate.control.builder.form import KINDS, editor, form
from toolgate.control.builder.offers import WHO
from toolgate.control.builder.spans import tokens
from toolgate.control.builder.stances import STANCES
from toolgate.control.builder.values import OPERATORS
from toolgate.control.identity.needed import actor_of
from toolgate.control.identity.refusals import NotAllowed
from toolgate.control.pages.drafting import Draft, Tools, edited, first_text, looked, read_draft
from toolgate.control.pages.policy_choices import Chosen, granted, likely_server, policy_of, servers_of, tools_of
from toolgate.control.pages.policy_trial import asked_for, inputs_of, tried
from toolgate.control.pages.rendering import Page
from toolgate.control.pages.routing import Answer, action, actor, page, see_other, state
from toolgate.errors import ToolgateError
from toolgate.policy.charges import RESULT_BYTES
from toolgate.policy.presets.shipped import PRESETS
from toolgate.policy.typed import SQL_DIALECTS
from toolgate.store import policies
from toolgate.store.database import writing
from toolgate.store.errors import BadInput, Conflict
from toolgate.store.policies import Policy

CONTENTS: Final = {
    "stances": tuple(STANCES.items()),
    "operators": tuple(OPERATORS.items()),
    "kinds": tuple(KINDS.items()),
    "dialects": SQL_DIALECTS,
    "who": WHO,
    "sorts": tuple(SORTS.items()),
    "no_flow": no_flow(),
    "detectors": REDACTIONS,
    "bytes": RESULT_BYTES,
    "presets": PRESETS,
}
"""What the fields of the form offer."""


def _edit(request: Request) -> Page:
    policy = policy_of(request)
    assert policy is not None
    chosen = request.query_params.get("server", "") or likely_server(request, policy)
    open_at = request.query_params.get("open", "")
    draft = Draft(policy.document, policy.document, policy.revision, chosen, open_at, name=policy.name)
    return _shown(request, policy, draft)


def _new(request: Request) -> Page:
    chosen = request.query_params.get("server", "")
    found = servers_of(request)
    chosen = chosen or (found[0].id if found else "")
    text = first_text(tools_of(request, chosen).tools, request.query_params.get("start", ""))
    return _shown(request, None, Draft(text, text, 0, chosen))


def _act(request: Request, sent: FormData) -> Answer:
    policy = policy_of(request)
    draft = read_draft(sent)
    if policy is not None and not draft.name:
        draft = replace(draft, name=policy.name)
    try:
        chosen = tools_of(request, draft.server)
        moved = edited(draft, chosen.tools, chosen.taken)
    except ToolgateError as error:
        return _shown(request, policy, draft, error)
    what = draft.fields.get("do", "")
    if what == "save":
        return _save(request, policy, moved)
    if what == "review":
        return _review(request, policy, moved)
    return _shown(request, policy, moved)


def _save(request: Request, policy: Policy | None, draft: Draft) -> Answer:
    asking = actor(request)
    if not asking.may("policy_manager"):
        raise NotAllowed("role", f"`{asking.role}` may not save policies", "ask somebody who is `policy_manager`")
    try:
        with writing(state(request).engine, asking.name, asking.organisation) as change:
            if policy is None:
                policy_id = policies.create(change, draft.name, draft.text)
            else:
                policy_id = policy.id
                policies.revise(change, policy_id, draft.text, draft.revision)
    except ToolgateError as error:
        if policy is not None and isinstance(error, Conflict):
            return _review(request, policy_of(request), draft, error, status=409)
        return _shown(request, policy, draft, error)
    state(request).changed()
    return see_other(f"/policies/{policy_id}", "saved")


def _review(
    request: Request, policy: Policy | None, draft: Draft, error: ToolgateError | None = None, status: int = 200
) -> Page:
    """What saving would change, against the revision that is live now, whoever saved it."""
    found = looked(draft, tools_of(request, draft.server).tools)
    if not found.valid:
        return _shown(request, policy, draft)
    live = policy.document if policy is not None else ""
    behind = policy is not None and policy.revision != draft.revision
    data = {
        "policy_name": draft.name,
        "revision": policy.revision if policy is not None else 0,
        "lines": lines(live, draft.text),
        "findings": [_finding(found, each) for each in found.findings],
    }
    view = {
        "draft": draft,
        "hidden": draft.encoded(),
        "policy": policy,
        "action": _path(policy),
        "error": error,
        "behind": behind,
        "unchanged": policy is not None and draft.text == policy.document,
    }
    return Page("policy_review.html", _title(request, policy), data, view, status=status)


def _said(draft: Draft, chosen: Chosen, found: Look) -> dict[str, Any]:
    """What is to say of a draft, as JSON."""
    data: dict[str, Any] = {
        "policy_name": draft.name,
        "revision": draft.revision,
        "document": draft.text,
        "valid": found.valid,
        "problems": [
            {"pointer": each.pointer, "cause": each.cause, "mend": each.mend, "line": found.line_of(each.pointer)}
            for each in found.problems
        ],
        "findings": [_finding(found, each) for each in found.findings],
        "form": None,
        "editor": None,
    }
    if found.document is not None:
        raw = found.document.raw
        data["form"] = form(raw, chosen.tools.values(), draft.sought, chosen.classes)
        data["editor"] = _editor(raw, draft.entry, chosen.tools)
    return data


def _shown(request: Request, policy: Policy | None, draft: Draft, error: ToolgateError | None = None) -> Page:
    chosen = tools_of(request, draft.server)
    tools = chosen.tools
    found = looked(draft, tools)
    trying = asked_for(draft, tools)
    view = {
        **CONTENTS,
        "draft": draft,
        "hidden": draft.encoded(),
        "policy": policy,
        "action": _path(policy),
        "error": error,
        "typed": dict(draft.fields) if error is not None else draft.composed(),
        "servers": [(server.id, f"{server.name} ({server.tools} tools)") for server in servers_of(request)],
        "tool_names": sorted(tools),
        "tool_choices": [(name, name) for name in sorted(tools)],
        "granted": granted(request, policy),
        "tried": tried(request, found.document, draft, chosen),
        "trying": trying,
        "inputs": inputs_of(trying, tools),
        "changed": policy is None or draft.text != policy.document,
    }
    data = _said(draft, chosen, found)
    return Page("policy_builder.html", _title(request, policy), data, view, status=422 if error is not None else 200)


class _Asked(msgspec.Struct, forbid_unknown_fields=True):
    """A draft and what is to be done with it, from a program: names of fields as in the form."""

    draft: str
    server: str = ""
    entry: str = ""
    fields: dict[str, str] = {}


async def _draft(request: Request) -> Response:
    """`POST /policies/draft.json`: the draft after an edit, and all that is to say of it. Pure: nothing is stored."""
    await actor_of(request)
    if not request.headers.get("content-type", "").lower().startswith("application/json"):
        raise BadInput("content-type", "is not that of JSON", "send `Content-Type: application/json`")
    try:
        asked = msgspec.json.decode(await request.body(), type=_Asked)
    except msgspec.DecodeError as error:
        raise BadInput("body", f"is no draft: {error}", 'send `{"draft": "...", "fields": {}}`') from error
    return await run_in_threadpool(_answered, request, asked)


def _answered(request: Request, asked: _Asked) -> Response:
    chosen = tools_of(request, asked.server)
    draft = Draft(asked.draft, asked.draft, 0, asked.server, asked.entry, fields=asked.fields)
    moved = edited(draft, chosen.tools, chosen.taken)
    data = {**_said(moved, chosen, looked(moved, chosen.tools)), "lines": lines(asked.draft, moved.text)}
    data["notes"] = moved.notes
    return Response(msgspec.json.encode(data), media_type="application/json")


def _title(request: Request, policy: Policy | None) -> str:
    if policy is None:
        return "New policy"
    return f"Edit {policy.name}" if actor(request).may("policy_manager") else f"Try {policy.name}"


def _path(policy: Policy | None) -> str:
    return f"/policies/{policy.id}/edit" if policy is not None else "/policies/new"


def _finding(found: Look, finding: Any) -> dict[str, Any]:
    place = {"pointer": finding.pointer, "line": found.line_of(finding.pointer)}
    return {**place, "severity": finding.severity, "code": finding.code, "cause": finding.cause, "mend": finding.mend}


def _editor(raw: Mapping[str, Any], pointer: str, tools: Tools) -> dict[str, Any] | None:
    """The opened entry; None where nothing that can be opened is named."""
    parts = tokens(pointer)
    if pointer == "/all_tools":
        return editor(raw, pointer, None)
    if len(parts) == 2 and parts[0] in ("tools", "methods") and parts[1]:
        return editor(raw, pointer, tools.get(parts[1]) if parts[0] == "tools" else None)
    return None


routes: list[BaseRoute] = [
    Route("/policies/draft.json", _draft, methods=["POST"]),
    *page("/policies/new", _new, role="policy_manager"),
    *action("/policies/new", _act, role="policy_manager"),
    *page("/policies/{policy}/edit", _edit),
    *action("/policies/{policy}/edit", _act, role="viewer"),
]
