"""What the builder lets people choose among: servers with their tools, and the grants of a policy."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from starlette.requests import Request

from toolgate.classifier.classify import Classification, classify
from toolgate.control.pages.routing import actor, state
from toolgate.policy.categories import Category
from toolgate.store import definitions, grants, policies, servers
from toolgate.store.errors import NotStored
from toolgate.store.policies import Policy
from toolgate.store.servers import Server


@dataclass(slots=True, frozen=True)
class Chosen:
    """The tools of the chosen server by name, in force before withheld, and what each of them does."""

    tools: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    classes: Mapping[str, Classification] = field(default_factory=dict)
    taken: Mapping[str, Category | None] = field(default_factory=dict)
    """What each tool in force is taken for by rules over `tool.category`."""


def tools_of(request: Request, server: str) -> Chosen:
    """The tools of a server (name or id); none where no server is chosen, or none of this organisation."""
    if not server:
        return Chosen()
    try:
        versions = definitions.of_server(state(request).engine, server, organisation=actor(request).organisation)
    except NotStored:
        return Chosen()
    texts: dict[str, str] = {}
    for version in sorted(versions, key=lambda each: (each.name, each.status)):
        texts.setdefault(version.name, version.definition)
    tools = {name: json.loads(text) for name, text in texts.items()}
    taken = {version.name: version.category for version in versions if version.status == "current"}
    return Chosen(tools, {name: _judged(text) for name, text in texts.items()}, taken)


@lru_cache(maxsize=4096)
def _judged(definition: str) -> Classification:
    return classify(json.loads(definition))


def servers_of(request: Request) -> list[Server]:
    """The servers of whoever asks."""
    return servers.every(state(request).engine, organisation=actor(request).organisation)


def policy_of(request: Request) -> Policy | None:
    """The policy of the path; None on the page of a new one. Raises NotStored."""
    wanted = request.path_params.get("policy")
    if wanted is None:
        return None
    return policies.get(state(request).engine, wanted, organisation=actor(request).organisation)


def likely_server(request: Request, policy: Policy) -> str:
    """The id of the server of a grant under the policy, else of the first; "" where there is none."""
    here, organisation = state(request), actor(request).organisation
    under = grants.every(here.engine, 0.0, policy=policy.id, organisation=organisation, limit=1)
    if under:
        return under[0].server_id
    return next((server.id for server in servers_of(request)), "")


def granted(request: Request, policy: Policy | None) -> list[tuple[str, str]]:
    """Ids and names of living grants under the policy, at most 200."""
    if policy is None:
        return []
    here, organisation = state(request), actor(request).organisation
    under = grants.every(here.engine, 0.0, policy=policy.id, organisation=organisation, limit=200)
    return [(grant.id, grant.label or grant.id) for grant in under if grant.revoked is None]
