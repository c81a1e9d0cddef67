"""The part of forms that says whose waiting calls somebody may decide on."""

from __future__ import annotations

from typing import Any, Final

from starlette.datastructures import FormData
from starlette.requests import Request

from toolgate.control.pages.forms import text, texts
from toolgate.control.pages.routing import actor, state
from toolgate.store.labels import living_servers
from toolgate.store.roles import NONE, Approves

ROLES: Final = [
    ("viewer", "Viewer", "sees servers, policies, labels of grants and records"),
    ("policy_manager", "Policy manager", "also writes policies and puts grants under them"),
    ("admin", "Admin", "also servers, credentials, grants, members, settings and admin events"),
]


def chosen(form: FormData) -> list[str]:
    """What was chosen, as the store takes it: ids, or `*`."""
    which = text(form, "approves")
    return ["*"] if which == "every" else texts(form, "server") if which == "some" else []


def typed(form: FormData) -> dict[str, Any]:
    """The same, for the form that is shown again."""
    return {"approves": text(form, "approves") or "none", "servers": texts(form, "server")}


def stored(approves: Approves = NONE) -> dict[str, Any]:
    """What is stored, for the form."""
    if approves is None:
        return {"approves": "every", "servers": []}
    return {"approves": "some" if approves else "none", "servers": sorted(approves)}


def choices(request: Request) -> list[tuple[str, str]]:
    """The servers to choose from: id and name."""
    return living_servers(state(request).engine, actor(request).organisation)
