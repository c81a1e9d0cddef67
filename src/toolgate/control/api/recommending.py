"""Registered servers: what their tools are, the policy that they ask for, and which servers many people register."""

from __future__ import annotations

import json
from typing import Annotated, Any

import msgspec
from fastapi import Query
from starlette.requests import Request
from starlette.responses import Response

from toolgate.catalogue import known
from toolgate.classifier.classify import classify
from toolgate.classifier.recommend import recommended_text
from toolgate.control.api.conditions import check_match, etag
from toolgate.control.api.documents import findings_of
from toolgate.control.api.operation import Asker, Here, needs, resource
from toolgate.control.api.references import named_in_body
from toolgate.control.api.shapes.policies import CheckedPolicy
from toolgate.control.api.shapes.recommending import Apply, KnownServers, Recommended
from toolgate.control.identity.actor import Actor
from toolgate.control.state import State
from toolgate.store import definitions, described, policies
from toolgate.store.database import together

router = resource("Catalogue")


@router.get("/catalogue/known", response_model=KnownServers, **needs("viewer"))
def list_known_servers(
    q: Annotated[str, Query(max_length=200, description="Words that are part of what is said of it.")] = "",
) -> dict[str, Any]:
    """List servers that many people use, to register one of them."""
    return {"items": [msgspec.to_builtins(server) for server in known.search(q)]}


@router.get("/catalogue/recommended", response_model=Recommended, **needs("viewer"))
def recommend_policy(
    actor: Asker,
    here: Here,
    server: Annotated[str, Query(max_length=64, description="Name or id of the server.", examples=["crm"])],
) -> dict[str, Any]:
    """Show how a server's tools are judged, and the policy that they ask for. Nothing is stored."""
    tools = tools_of(here, actor, server)
    judged = [{"name": str(tool.get("name", "")), **classify(tool).facts()} for tool in tools]
    return {"document": recommended_text(tools), "tools": judged}


@router.post(
    "/catalogue/apply",
    response_model=CheckedPolicy,
    responses={201: {"model": CheckedPolicy, "description": "Made"}},
    **needs("policy_manager"),
)
def apply_recommended(body: Apply, request: Request, response: Response, actor: Asker, here: Here) -> dict[str, Any]:
    """Store the policy that a server's tools ask for. `If-Match` says which revision of an existing one it replaces."""
    with together(here.engine, actor.name, actor.organisation) as change, named_in_body():
        text = recommended_text(tools_of(here, actor, body.server))
        current = policies.current(change.connection, body.policy, organisation=actor.organisation)
        same = current is not None and current.digest == policies.digest_of(text)
        check_match(request, current, required=not same)
        name = body.policy if current is None else current.name
        stored = policies.put(here.engine, actor.name, name, text, organisation=actor.organisation)
        findings = findings_of(here, actor, text, body.server)
    response.status_code = 201 if current is None else 200
    response.headers["etag"] = etag(stored)
    response.headers["location"] = f"/api/v1/policies/{stored.id}"
    return {**described.policy(stored), "findings": findings}


def tools_of(here: State, actor: Actor, server: str) -> list[dict[str, Any]]:
    """The tools of a server as it lists them; a withheld version only where there is no other. Raises NotStored."""
    versions = definitions.of_server(here.engine, server, organisation=actor.organisation)
    versions.sort(key=lambda version: version.status, reverse=True)
    return list({version.name: json.loads(version.definition) for version in versions}.values())
