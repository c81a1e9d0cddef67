"""`/policies`: every policy with its live revision."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.routing import BaseRoute

from toolgate.control.pages.rendering import Page
from toolgate.control.pages.routing import actor, page, state
from toolgate.store import described, policies
from toolgate.store.labels import living_servers

_DONE: Final = {"removed": "The policy is removed. Its revisions stay for the records that name them."}


def _policies(request: Request) -> Page:
    here, organisation = state(request), actor(request).organisation
    sought = request.query_params.get("q", "").strip()[:200]
    found = policies.every(here.engine, organisation=organisation)
    rows = [described.policy(policy) for policy in found if sought.lower() in policy.name.lower()]
    view = {"sought": sought, "all": len(found), "servers": living_servers(here.engine, organisation)}
    return Page("policies.html", "Policies", {"policies": rows}, view)


routes: list[BaseRoute] = page("/policies", _policies, done=_DONE)
