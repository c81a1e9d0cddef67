"""`/policies/{id}`: one policy: its document, what changed from revision to revision, and the grants under it."""

from __future__ import annotations

import time
from typing import Any, Final

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.routing import BaseRoute

from toolgate.control.builder.drafts import lines, look
from toolgate.control.builder.form import form
from toolgate.control.pages.forms import placed, text
from toolgate.control.pages.rendering import Page
from toolgate.control.pages.routing import Answer, action, actor, page, see_other, state
from toolgate.errors import ToolgateError
from toolgate.store import described, grants, policies
from toolgate.store.database import writing
from toolgate.store.errors import BadInput
from toolgate.store.policies import Policy

_DONE: Final = {
    "saved": "Saved. It counts from the next call.",
    "rolled-back": "The older revision is live again, as a new revision.",
    "renamed": "The policy has its new name.",
}
_MOST_GRANTS: Final = 200


def _one(request: Request) -> Page:
    return _page(request, _stored(request))


def _page(request: Request, policy: Policy, error: ToolgateError | None = None, typed: str = "") -> Page:
    here, organisation = state(request), actor(request).organisation
    history = policies.history(here.engine, policy.id, organisation=organisation)
    under = grants.every(here.engine, time.time(), policy=policy.id, organisation=organisation, limit=_MOST_GRANTS)
    older, newer = _compared(request, policy)
    found = look(policy.document)
    data: dict[str, Any] = {
        "policy": described.policy(policy),
        "document": policy.document,
        "revisions": [described.revision(revision) for revision in history],
        "grants": [described.grant(grant) for grant in under if grant.revoked is None],
        "findings": [
            {"pointer": each.pointer, "severity": each.severity, "cause": each.cause, "mend": each.mend}
            for each in found.findings
        ],
        "compared": {
            "before": older.revision if older else None,
            "after": newer.revision,
            "lines": lines(older.document, newer.document) if older else [],
        },
    }
    view = {
        "summary": form(found.document.raw, ()) if found.document else None,
        "errors": placed(error, {"policy name": "name"}) if error else {},
        "typed": typed or policy.name,
    }
    return Page("policy.html", policy.name, data, view, status=422 if error else 200)


def _compared(request: Request, policy: Policy) -> tuple[Policy | None, Policy]:
    """The two revisions to show the difference of: those of the query, else the last two."""
    after = _number(request, "after", policy.revision)
    before = _number(request, "before", after - 1)
    newer = policy if after == policy.revision else _stored(request, after)
    return (_stored(request, before) if before > 0 else None), newer


def _number(request: Request, name: str, otherwise: int) -> int:
    typed = request.query_params.get(name, "")
    if not typed:
        return otherwise
    if not (typed.isascii() and typed.isdigit() and len(typed) < 10):
        raise BadInput(name, "is no number of a revision", "choose one of the list")
    return int(typed)


def _stored(request: Request, revision: int | None = None) -> Policy:
    wanted, organisation = request.path_params["policy"], actor(request).organisation
    return policies.get(state(request).engine, wanted, revision, organisation=organisation)


def _roll_back(request: Request, form: FormData) -> Answer:
    """Make the text of an older revision the current one; history is never rewritten."""
    policy, asking = _stored(request), actor(request)
    chosen, seen = text(form, "revision"), text(form, "current")
    if not (chosen.isdigit() and seen.isdigit()) or len(chosen + seen) > 18:
        raise BadInput("revision", "is no number of a revision", "choose one of the list")
    older = _stored(request, int(chosen))
    try:
        with writing(state(request).engine, asking.name, asking.organisation) as change:
            policies.revise(change, policy.id, older.document, int(seen))
    except ToolgateError as error:
        return _page(request, _stored(request), error)
    state(request).changed()
    return see_other(f"/policies/{policy.id}", "rolled-back")


def _rename(request: Request, form: FormData) -> Answer:
    policy, asking, name = _stored(request), actor(request), text(form, "name")
    try:
        with writing(state(request).engine, asking.name, asking.organisation) as change:
            policies.rename(change, policy.id, name)
    except ToolgateError as error:
        return _page(request, policy, error, name)
    state(request).changed()
    return see_other(f"/policies/{policy.id}", "renamed")


def _ask_remove(request: Request) -> Page:
    policy = _stored(request)
    return Page("policy_remove.html", f"Remove {policy.name}", {"policy": described.policy(policy)})


def _remove(request: Request, _form: FormData) -> Answer:
    policy, asking = _stored(request), actor(request)
    try:
        policies.remove(state(request).engine, asking.name, policy.id, organisation=asking.organisation)
    except ToolgateError as error:
        return _page(request, policy, error)
    state(request).changed()
    return see_other("/policies", "removed")


routes: list[BaseRoute] = [
    *page("/policies/{policy}", _one, done=_DONE),
    *action("/policies/{policy}/rollback", _roll_back, role="policy_manager"),
    *action("/policies/{policy}/name", _rename, role="policy_manager"),
    *page("/policies/{policy}/remove", _ask_remove, role="policy_manager"),
    *action("/policies/{policy}/remove", _remove, role="policy_manager"),
]
