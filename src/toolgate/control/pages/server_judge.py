"""`/servers/{id}/judge`: a person says of what category a tool is, after seeing what that changes."""

from __future__ import annotations

from typing import Any

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.routing import BaseRoute

from toolgate.control.pages import forms
from toolgate.control.pages.rendering import Page
from toolgate.control.pages.routing import Answer, action, actor, page, see_other, state
from toolgate.policy.categories import PRECEDENCE, category_of, risk_of
from toolgate.store import judgements, servers
from toolgate.store.errors import BadInput, NotStored
from toolgate.store.judgements import Chosen, Proposal
from toolgate.store.legible import legible
from toolgate.store.servers import Server


def _ask(request: Request) -> Page:
    """The tools to choose from; of a chosen one what it is taken for, and would be."""
    server, tools = _tools(request)
    sought = request.query_params.get("version", "")
    data: dict[str, Any] = {"server": {"id": server.id, "name": server.name}, "tool": None}
    view = {
        "categories": [(one, one) for one in PRECEDENCE],
        "choices": [(it.fingerprint, legible(it.name[:120])) for it in tools],
    }
    if not sought:
        return Page("server_judge.html", "Judge a tool", data, view)
    tool = _version(tools, sought)
    category = category_of(request.query_params.get("category", ""))
    data |= {
        "tool": tool.name,
        "fingerprint": tool.fingerprint,
        "before": tool.judgement.category,
        "risk_before": risk_of(tool.judgement.category),
        "judged_by": tool.judgement.by or None,
        "lexicon": tool.classification.facts(),
        "category": category,
        "risk_after": risk_of(category),
    }
    return Page("server_judge.html", f"What is {tool.name}?", data, view)


def _tools(request: Request) -> tuple[Server, list[Proposal]]:
    """Raises NotStored."""
    organisation, engine = actor(request).organisation, state(request).engine
    server = servers.get(engine, request.path_params["id"], organisation=organisation)
    return server, judgements.proposals(engine, server.id, organisation=organisation)


def _version(tools: list[Proposal], fingerprint: str) -> Proposal:
    """A tool by its version, because a name may hold what no form brings back. Raises NotStored."""
    found = next((tool for tool in tools if tool.fingerprint == fingerprint), None)
    if found is None:
        raise NotStored("tool", "this version of it is not in force any more", "look at the server's tools again")
    return found


def _judge(request: Request, form: FormData) -> Answer:
    """Judge exactly the version that was shown."""
    here, who = state(request), actor(request)
    server, tools = _tools(request)
    category = category_of(forms.text(form, "category"))
    if category is None:
        raise BadInput("category", "is none of those there are", f"choose one of {', '.join(PRECEDENCE)}")
    tool = _version(tools, forms.text(form, "version"))
    chosen = Chosen(tool.name, category, tool.fingerprint)
    judgements.judge(here.engine, who.name, server.id, [chosen], organisation=who.organisation)
    here.changed()
    return see_other(f"/servers/{server.id}", "judged")


routes: list[BaseRoute] = [
    *page("/servers/{id}/judge", _ask, role="admin"),
    *action("/servers/{id}/judge", _judge, role="admin"),
]
