"""`/members`: who may use the control plane, and as what."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any, Final

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.routing import BaseRoute

from toolgate.control.pages import approvers
from toolgate.control.pages.forms import one_of, placed, text
from toolgate.control.pages.rendering import Page
from toolgate.control.pages.routing import Answer, action, actor, page, see_other, state
from toolgate.errors import ToolgateError
from toolgate.store import described, members, sessions
from toolgate.store.database import writing
from toolgate.store.errors import StoreError
from toolgate.store.members import Invited, Member, Terms

_FIELDS: Final = {"email": "email", "name": "name", "role": "role", "approver": "approves"}
_DONE: Final = {
    "saved": "Saved. Another role ends the member's sessions.",
    "disabled": "The member is disabled; their sessions have ended.",
    "enabled": "The member may sign in again.",
    "ended": "All sessions of the member have ended.",
    "removed": "The member is removed.",
}


def _list(request: Request) -> Page:
    found = members.every(state(request).engine, organisation=actor(request).organisation)
    rows = [described.member(member) for member in found]
    names = dict(approvers.choices(request))
    return Page("members.html", "Members", {"members": rows}, {"names": names})


def _new(request: Request) -> Page:
    return _form(request, {"email": "", "name": "", "role": "viewer", **approvers.stored()})


def _invite(request: Request, form: FormData) -> Answer:
    terms = Terms(text(form, "name") or text(form, "email"), text(form, "role"), approvers.chosen(form))
    asking, engine = actor(request), state(request).engine
    try:
        invited = members.invite(engine, asking.name, text(form, "email"), terms, organisation=asking.organisation)
    except StoreError as error:
        typed = {name: text(form, name) for name in ("email", "name", "role")}
        return _form(request, {**typed, **approvers.typed(form)}, error)
    return _link(request, invited)


def _form(request: Request, typed: dict[str, Any], error: ToolgateError | None = None) -> Page:
    view = {
        "typed": typed,
        "errors": placed(error, _FIELDS) if error else {},
        "roles": approvers.ROLES,
        "choices": approvers.choices(request),
    }
    return Page("member_new.html", "Invite a member", {}, view, status=422 if error else 200)


def _link(request: Request, invited: Invited) -> Page:
    """The link, this once: the answer to the form, so that it is in no history and no address."""
    again = invited.member.enters != "invited"
    view = {"member": invited.member, "link": f"{state(request).url}/welcome/{invited.secret}", "again": again}
    return Page("member_link.html", "Link for a new password" if again else "Invitation", {}, view)


def _one(request: Request) -> Page:
    return _member(request, _named(request))


def _member(request: Request, member: Member, error: ToolgateError | None = None, typed: Any = None) -> Page:
    now, engine = time.time(), state(request).engine
    living = [described.session(session) for session in sessions.of_member(engine, member.id, now)]
    data = {"member": described.member(member), "sessions": living}
    view = {
        "typed": typed or {"name": member.name, "role": member.role, **approvers.stored(member.approves)},
        "errors": placed(error, _FIELDS) if error else {},
        "roles": approvers.ROLES,
        "choices": approvers.choices(request),
        "own": member.id == actor(request).member_id,
    }
    return Page("member.html", member.email, data, view, status=422 if error else 200)


def _save(request: Request, form: FormData) -> Answer:
    member, asking = _named(request), actor(request)
    terms = Terms(text(form, "name"), text(form, "role"), approvers.chosen(form))
    try:
        members.amend(state(request).engine, asking.name, member.id, terms, organisation=asking.organisation)
    except StoreError as error:
        typed = {"name": terms.name, "role": terms.role, **approvers.typed(form)}
        return _member(request, member, error, typed)
    return _back(member, "saved")


def _disable(request: Request, form: FormData) -> Answer:
    member, asking = _named(request), actor(request)
    disabled = one_of(form, "do", ("enable", "disable")) == "disable"
    try:
        members.disable(
            state(request).engine, asking.name, member.id, disabled=disabled, organisation=asking.organisation
        )
    except StoreError as error:
        return _member(request, member, error)
    return _back(member, "disabled" if disabled else "enabled")


def _new_link(request: Request, _form: FormData) -> Answer:
    member, asking = _named(request), actor(request)
    try:
        again = members.invite_again(state(request).engine, asking.name, member.id, organisation=asking.organisation)
    except StoreError as error:
        return _member(request, member, error)
    return _link(request, again)


def _end_sessions(request: Request, _form: FormData) -> Answer:
    member, asking = _named(request), actor(request)
    with writing(state(request).engine, asking.name, asking.organisation) as change:
        sessions.end_all(change, member.id)
        change.event("sessions.end", "member", member.id)
    return _back(member, "ended")


def _ask(request: Request) -> Page:
    return Page("member_remove.html", "Remove a member", {"member": described.member(_named(request))})


def _remove(request: Request, _form: FormData) -> Answer:
    member, asking = _named(request), actor(request)
    try:
        members.remove(state(request).engine, asking.name, member.id, organisation=asking.organisation)
    except StoreError as error:
        return replace(_ask(request), view={"error": error}, status=409)
    return see_other("/members", "removed")


def _named(request: Request) -> Member:
    """The member of the address. Raises NotStored, the same for one of another organisation."""
    wanted = request.path_params["member"]
    return members.get(state(request).engine, wanted, organisation=actor(request).organisation)


def _back(member: Member, done: str) -> Answer:
    return see_other(f"/members/{member.id}", done)


routes: list[BaseRoute] = [
    *page("/members", _list, role="admin", done=_DONE),
    *page("/members/new", _new, role="admin"),
    *action("/members/new", _invite, role="admin"),
    *page("/members/{member}/remove", _ask, role="admin"),
    *action("/members/{member}/remove", _remove, role="admin"),
    *action("/members/{member}/state", _disable, role="admin"),
    *action("/members/{member}/link", _new_link, role="admin"),
    *action("/members/{member}/sessions/end", _end_sessions, role="admin"),
    *page("/members/{member}", _one, role="admin", done=_DONE),
    *action("/members/{member}", _save, role="admin"),
]
