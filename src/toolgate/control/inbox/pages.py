"""`/approvals` and `/approvals/{id}`: what waits for a person, and the place to decide."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from toolgate.control.identity.actor import Actor
from toolgate.control.inbox import deciding, showing
from toolgate.control.inbox.deciding import houses, opened
from toolgate.control.pages.forms import placed, text
from toolgate.control.pages.rendering import Page
from toolgate.control.pages.routing import Act, Answer, action, actor, page, see_other, state
from toolgate.errors import ToolgateError
from toolgate.store.approvals import Approval, ApprovalStore, NotPending, Search, State
from toolgate.store.errors import BadInput
from toolgate.store.labels import living_servers
from toolgate.store.verdicts import Verdict

PAGE: Final = 50
"""Approvals on one page: decided ones, and of those that wait the ones that end first."""
_WAITING: Final = 500
_STATES: Final[tuple[State, ...]] = ("approved", "used", "denied", "expired", "void")
"""What a call that waited can have become."""
_DONE: Final = {
    "approved": "Approved: the waiting call goes on, or one identical repeat may.",
    "denied": "Refused: the agent is told, with your reason if you gave one.",
    "ruled": "Approved, and the policy has its new rule.",
}


def _list(request: Request) -> Page:
    """What waits, oldest first, and below it what was decided, newest first, as the query narrows it."""
    asking, here = actor(request), state(request)
    deciding.check_approver(asking)
    sought = _sought(request)
    with opened(here) as store:
        waiting = store.search(_search(asking, {**sought, "state": "pending"}, limit=_WAITING))
        pending = [showing.previewed(here, store, approval) for approval in waiting[::-1][:PAGE]]
        decided = store.search(_search(asking, sought, before=_before(request), limit=PAGE + 1))
    rows, more = decided[:PAGE], len(decided) > PAGE
    data = {
        "waiting": len(waiting),
        "pending": pending,
        "decided": [showing.summary(approval) for approval in rows],
        "next": f"{rows[-1].created!r},{rows[-1].id}" if more else None,
    }
    view = {
        "stamp": _stamped(waiting),
        "sought": sought,
        "servers": _servers(request),
        "states": [(name, name) for name in _STATES],
        "later": _before(request) is not None,
    }
    return Page("approvals.html", "Approvals", data, view)


def _stamped(waiting: list[Approval]) -> str:
    """A text that changes when the list does: a script asks for it, and loads the list only then."""
    return f"{len(waiting)} {waiting[0].id if waiting else ''}"


def _sought(request: Request) -> dict[str, str]:
    given = {name: request.query_params.get(name, "").strip()[:200] for name in ("state", "server", "tool", "grant")}
    return {**given, "state": given["state"] if given["state"] in _STATES else ""}


def _search(
    asking: Actor, sought: dict[str, str], *, before: tuple[float, str] | None = None, limit: int = PAGE
) -> Search:
    """The query of somebody who sees the calls of some servers alone."""
    seen = asking.approves
    if sought["server"]:
        seen = frozenset({sought["server"]} if asking.may_approve(sought["server"]) else ())
    return Search(
        houses(asking.organisation),
        (sought["state"],) if sought["state"] else _STATES,
        servers=seen,
        grant_id=sought["grant"],
        tool=sought["tool"],
        before=before,
        limit=limit,
    )


def _before(request: Request) -> tuple[float, str] | None:
    """Where a page of the history begins. Raises BadInput."""
    given = request.query_params.get("before", "")
    if not given:
        return None
    moment, _, id_ = given.partition(",")
    try:
        return float(moment), id_[:64]
    except ValueError:
        raise BadInput("before", "is not where a page begins", "follow the links of the list") from None


def _servers(request: Request) -> list[tuple[str, str]]:
    """The servers whose calls this one may see: id and name."""
    asking = actor(request)
    found = living_servers(state(request).engine, asking.organisation)
    return [(id_, name) for id_, name in found if asking.may_approve(id_)]


def _stamp(request: Request) -> Response:
    asking, here = actor(request), state(request)
    deciding.check_approver(asking)
    sought = {**_sought(request), "state": "pending"}
    with opened(here) as store:
        return _json({"state": _stamped(store.search(_search(asking, sought, limit=_WAITING)))})


def _look(request: Request) -> Page:
    here = state(request)
    with opened(here) as store:
        return _page(request, store, deciding.visible(store, actor(request), request.path_params["id"]))


def _page(
    request: Request,
    store: ApprovalStore,
    approval: Approval,
    *,
    error: ToolgateError | None = None,
    status: int = 200,
    reason: str = "",
) -> Page:
    here, asking = state(request), actor(request)
    data = {**showing.whole(here, store, approval), "own": deciding.is_own(here, asking, approval)}
    view = {"reason": reason, "errors": placed(error, {"reason": "reason"}) if error else {}, "door": _door(approval)}
    return Page("approval.html", approval.tool or approval.method, data, view, status)


def _door(approval: Approval) -> dict[str, str]:
    """Where the forms of this page lead."""
    return {"approve": f"/approvals/{approval.id}/approve", "deny": f"/approvals/{approval.id}/deny"}


def _act(verdict: Verdict) -> Act:
    def act(request: Request, form: FormData) -> Answer:
        here, asking, id_ = state(request), actor(request), request.path_params["id"]
        reason = text(form, "reason")
        try:
            decided = deciding.decide(here, asking, id_, verdict, reason)
        except (NotPending, BadInput) as error:
            with opened(here) as store:
                approval = deciding.visible(store, asking, id_)
                status = 409 if isinstance(error, NotPending) else 422
                return _page(request, store, approval, error=error, status=status, reason=reason)
        return see_other(f"/approvals/{decided.id}", verdict)

    return act


def _how_it_stands(request: Request) -> Response:
    """The little that a script asks for again and again while the page is open."""
    with opened(state(request)) as store:
        approval = deciding.visible(store, actor(request), request.path_params["id"])
    return _json({"state": approval.state, "left": deciding.left(approval)})


def _json(data: dict[str, Any]) -> Response:
    return Response(msgspec.json.encode(data), media_type="application/json")


routes: list[BaseRoute] = [
    *page("/approvals", _list),
    *page("/approvals/state", _stamp),
    *page("/approvals/{id}/state", _how_it_stands),
    *page("/approvals/{id}", _look, done=_DONE),
    *action("/approvals/{id}/approve", _act("approved"), role="viewer"),
    *action("/approvals/{id}/deny", _act("denied"), role="viewer"),
]
