"""`/approvals/{id}/rule`: approve a call and let others like it pass from now on, by a revision that is shown first."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Final

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.routing import BaseRoute

from toolgate.control.builder.drafts import lines
from toolgate.control.builder.trial import BadCall, read_arguments
from toolgate.control.inbox import circumstances, deciding, showing
from toolgate.control.inbox.deciding import opened
from toolgate.control.inbox.easing import Asked, Ease, eases
from toolgate.control.pages.forms import placed, text
from toolgate.control.pages.rendering import Page
from toolgate.control.pages.routing import Answer, action, actor, page, see_other, state
from toolgate.errors import ToolgateError
from toolgate.policy.decision import Subject
from toolgate.store import grants, policies
from toolgate.store.approvals import Approval, ApprovalStore, NotPending
from toolgate.store.database import reading, writing
from toolgate.store.errors import Conflict, NotStored
from toolgate.store.policies import Policy

_RELEASED_WITHIN: Final = 1.5
_PAUSE: Final = 0.05
_REASON: Final = "with a rule for calls like it"


@dataclass(slots=True, frozen=True)
class _Offer:
    """What may be done about one approval: the policy as it is, and the edits of it."""

    approval: Approval
    policy: Policy | None
    eases: list[Ease]


def _look(request: Request) -> Page:
    return _page(_offer(request))


def _offer(request: Request) -> _Offer:
    here, asking = state(request), actor(request)
    with opened(here) as store:
        approval = deciding.visible(store, asking, request.path_params["id"])
        try:
            policy = policies.get(here.engine, approval.policy_id, organisation=asking.organisation)
        except NotStored:  # removed meanwhile, or the file of `toolgate run`
            return _Offer(approval, None, [])
        asked = _asked(request, store, approval)
    return _Offer(approval, policy, eases(policy.document, asked) if asked is not None else [])


def _asked(request: Request, store: ApprovalStore, approval: Approval) -> Asked | None:
    """The call as the engine judges it; None where it is no call of a tool, or cannot be read any more."""
    here = state(request)
    call = showing.call_of(here, store, approval)
    if call is None or not approval.tool:
        return None
    try:
        arguments = read_arguments(bytes(call.params["arguments"]).decode())
        grant = grants.get(here.engine, approval.grant_id, time.time(), organisation=actor(request).organisation)
    except (BadCall, NotStored):
        return None
    with reading(here.engine) as connection:
        tool = circumstances.tool_of(connection, approval)
    subject = Subject(
        grant.id, grant.label, grant.principal, grant.server_id, approval.organisation, labels=grant.labels
    )
    return Asked(approval.tool, arguments, approval.rule, subject, tool.now, time.time(), tool.category)


def _page(offer: _Offer, error: ToolgateError | None = None) -> Page:
    policy = offer.policy
    shown = [
        {"key": ease.key, "words": ease.words, "diff": lines(policy.document if policy else "", ease.text)}
        for ease in offer.eases
    ]
    data = {
        "approval": showing.summary(offer.approval),
        "policy": None if policy is None else {"id": policy.id, "name": policy.name, "revision": policy.revision},
        "eases": shown,
    }
    view: dict[str, Any] = {"errors": placed(error, {}) if error else {}}
    return Page("approval_rule.html", "Approve and add a rule", data, view, status=409 if error else 200)


def _act(request: Request, form: FormData) -> Answer:
    """The approval first: a policy that changes under a call that waits would send it back to ask anew."""
    here, asking, offer = state(request), actor(request), _offer(request)
    ease = next((one for one in offer.eases if one.key == text(form, "ease")), None)
    if ease is None or offer.policy is None or text(form, "revision") != str(offer.policy.revision):
        return _page(offer, Conflict("policy", "has changed meanwhile", "look at what it would become now"))
    try:
        approval = deciding.decide(here, asking, offer.approval.id, "approved", _REASON)
    except NotPending as error:
        return _page(offer, error)
    _let_go_on(request, approval)
    try:
        with writing(here.engine, asking.name, asking.organisation) as change:
            policies.revise(change, offer.policy.id, ease.text, offer.policy.revision)
    except Conflict as error:
        return _page(offer, error)
    here.changed()
    return see_other(f"/approvals/{approval.id}", "ruled")


def _let_go_on(request: Request, approval: Approval) -> None:
    """Give the client that waits the time to be released; there may be none, and then the new policy lets it pass."""
    ends = time.monotonic() + _RELEASED_WITHIN
    with opened(state(request)) as store:
        while time.monotonic() < ends and store.get(approval.id).state == "approved":
            time.sleep(_PAUSE)


routes: list[BaseRoute] = [
    *page("/approvals/{id}/rule", _look, role="policy_manager"),
    *action("/approvals/{id}/rule", _act, role="policy_manager"),
]
