"""`/records/{decision_id}`: everything that is known of one decision, and what the policy looked at to make it."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import Any, Final

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.routing import BaseRoute

from toolgate.audit import export
from toolgate.audit.filters import Filter
from toolgate.audit.records import Decision, Outcome
from toolgate.audit.search import Found
from toolgate.control.builder import spans
from toolgate.control.builder.flows import sentence
from toolgate.control.pages.lines import line_of
from toolgate.control.pages.rendering import Page
from toolgate.control.pages.routing import action, actor, page, state
from toolgate.control.recorded import seen_by
from toolgate.control.state import State
from toolgate.policy.decision import Mark
from toolgate.policy.document import Document
from toolgate.policy.explain import NOT_ASKED, looked_at
from toolgate.policy.flows import read_flows
from toolgate.policy.words import decimal, window_words
from toolgate.store import described
from toolgate.store.approvals import Approval, ApprovalStore
from toolgate.store.captures import FILE, open_capture
from toolgate.store.database import writing
from toolgate.store.errors import NotStored
from toolgate.store.labels import document_at, policy_names, server_names
from toolgate.store.names import shown

_RELATED: Final = 200
"""Records of the grant that are looked through for the other half of an approval."""
_LATE: Final = 60.0
"""Seconds after the end of an approval within which what came of it is written down."""
_AROUND: Final = 6
"""Lines that are shown before and behind the rule that decided."""


def _record(request: Request) -> Page:
    """One decision of an organisation whose records may be seen. Raises NotStored."""
    return _page(request, *_found(request))


def _said(request: Request, _form: FormData) -> Page:
    """The same with what the call said, where that was kept; who looked is an admin event. Raises NotStored."""
    here, who = state(request), actor(request)
    found, entry = _found(request)
    said = open_capture(here.data, here.master, entry.decision_id)
    if said is None:
        cause = "what this call said was not kept, or its days are over"
        raise NotStored("capture", cause, "`toolgate server set NAME --capture 7` keeps it from then on")
    with writing(here.engine, who.name, who.organisation) as change:
        change.event("look", "capture", entry.decision_id, after={"server": entry.server_id, "tool": entry.tool})
    return _page(request, found, entry, said)


def _found(request: Request) -> tuple[Found, Decision]:
    here, who = state(request), actor(request)
    decision_id = request.path_params["decision_id"]
    found = here.records.one(decision_id, seen_by(who))
    if found is None or not isinstance(found.entry, Decision):
        cause = f"there is no decision `{shown(decision_id)}`"
        raise NotStored("decision", cause, "the log has all that were recorded; old ones may have been pruned")
    return found, found.entry


def _page(request: Request, found: Found, entry: Decision, said: dict[str, Any] | None = None) -> Page:
    here, who, outcome = state(request), actor(request), found.outcome
    document = document_at(here.engine, who.organisation, entry.policy_id, entry.revision)
    approval = _approval(here, entry, who.organisation)
    related = [] if approval is None else _related(here, found, approval, seen_by(who))
    steps = [] if document is None else _steps(document, entry)
    data = {
        "record": export.described(*found),
        "steps": steps,
        "approval": None if approval is None else described.approval(approval),
        "related": [export.described(*one) for one in related],
    }
    view = {
        "row": line_of(found),
        "entry": entry,
        "outcome_of": outcome,
        "cleaned": "" if outcome is None else export.cleaned(outcome.removed, outcome.redacted, outcome.withheld),
        "said": said,
        "may_look": who.may("admin") and (here.data / FILE).exists(),
        "charges": charges(entry, outcome),
        "limit": _limit(entry),
        "flows": [] if document is None else _flows(document, entry),
        "document": [] if document is None else marked(document, entry.rule),
        "not_asked": NOT_ASKED.get(entry.rule, ""),
        "related_rows": [line_of(one) for one in related],
        "server_name": server_names(here.engine, who.organisation, [entry.server_id]).get(entry.server_id),
        "policy_name": policy_names(here.engine, who.organisation, [entry.policy_id]).get(entry.policy_id),
    }
    return Page("record.html", "Decision", data, view)


def _steps(document: str, entry: Decision) -> list[dict[str, Any]]:
    """Every rule that concerns the message, in the order of judgement, and how far it went."""
    name = entry.tool if entry.method == "tools/call" else entry.method
    found = looked_at(Document.trusted(document), name, entry.rule, method=entry.method)
    return [{**asdict(step), "decides": step.decides} for step in found]


def _approval(here: State, entry: Decision, organisation: str) -> Approval | None:
    """The approval that the call waited for, where it is still kept."""
    if not entry.approval_id:
        return None
    with closing(ApprovalStore(here.data)) as store:
        try:
            approval = store.get(entry.approval_id)
        except NotStored:
            return None
    return approval if approval.organisation == organisation else None


def _related(here: State, found: Found, approval: Approval, seen: tuple[str, ...]) -> list[Found]:
    """The other decisions on the same approval: that it waits, and what came of it."""
    until = approval.expires + _LATE
    span = Filter(grant=approval.grant_id, since=approval.created - 1, until=until, organisations=seen)
    others = here.records.page(span, _RELATED).found
    return [one for one in others if _of(one, approval.id) and one.entry.seq != found.entry.seq]


def _of(found: Found, approval_id: str) -> bool:
    return isinstance(found.entry, Decision) and found.entry.approval_id == approval_id


def charges(entry: Decision, outcome: Outcome | None) -> list[dict[str, str]]:
    """What the call took from each limit, as people write amounts: reserved, and in the end."""
    settled = {} if outcome is None else outcome.settled
    given_back = outcome is not None and outcome.rolled_back
    return [
        {
            "counter": charge.counter,
            "rule": charge.rule,
            "window": window_words(charge.window),
            "reserved": decimal(charge.amount),
            "settled": "0" if given_back else decimal(settled.get(charge.key, charge.amount)),
            "maximum": decimal(charge.maximum),
        }
        for charge in entry.charges
        if not isinstance(charge.window, Mark)
    ]


def _flows(document: str, entry: Decision) -> list[dict[str, Any]]:
    """The flows that the call counts for, or that were asked and let it pass."""
    flows = {flow.pointer: sentence(flow) for flow in read_flows(Document.trusted(document).raw)}
    marks = [charge for charge in entry.charges if isinstance(charge.window, Mark)]
    return [{"rule": mark.rule, "words": flows.get(mark.rule, ""), "counts": bool(mark.amount)} for mark in marks]


def _limit(entry: Decision) -> dict[str, Any] | None:
    """The limit that refused the call."""
    if entry.limit is None:
        return None
    facts = entry.limit
    amounts = {"used": decimal(facts.used), "maximum": decimal(facts.maximum)}
    return {"counter": facts.counter, **amounts, "resets_at": facts.resets_at}


@dataclass(slots=True, frozen=True)
class Line:
    """One line of a document; `near` what decided, or part of it (`marked`)."""

    text: str
    marked: bool
    near: bool


def marked(document: str, pointer: str) -> list[Line]:
    """The lines of a document as it was written, with those that the pointer leads to."""
    text = document if "\n" in document.strip() else json.dumps(json.loads(document), indent=2, ensure_ascii=False)
    first, last = _lines_of(text, pointer)
    return [
        Line(line, first <= number <= last, first - _AROUND <= number <= last + _AROUND)
        for number, line in enumerate(text.split("\n"))
    ]


def _lines_of(text: str, pointer: str) -> tuple[int, int]:
    """The first and last line of what the pointer leads to; none where it leads nowhere (words in parentheses)."""
    root = spans.read(text)
    if not pointer.startswith("/") or not spans.has(root, pointer):
        return -_AROUND, -_AROUND - 1
    node = spans.find(root, pointer)
    return text.count("\n", 0, node.start), text.count("\n", 0, node.end)


routes: list[BaseRoute] = [
    *page("/records/{decision_id}", _record),
    *action("/records/{decision_id}/said", _said, role="admin"),
]
