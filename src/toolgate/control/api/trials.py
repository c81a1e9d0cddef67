"""A call tried against a policy: what would be decided, and everything that is looked at."""

from __future__ import annotations

import json
import time
from typing import Any

from toolgate.control.api.operation import Asker, Here, needs, resource
from toolgate.control.api.references import named_in_body
from toolgate.control.api.shapes.recommending import Trial, Tried
from toolgate.control.builder.trial import try_call
from toolgate.control.identity.actor import Actor
from toolgate.control.state import State
from toolgate.policy.categories import Category
from toolgate.policy.decision import Subject
from toolgate.policy.definition import Tool
from toolgate.policy.document import Document, parse
from toolgate.store import definitions, grants, policies, servers
from toolgate.store.definitions import Version
from toolgate.store.errors import BadInput

router = resource("Policies")


@router.post("/policies/try", response_model=Tried, **needs("viewer", pure=True))
def try_policy(body: Trial, actor: Asker, here: Here) -> dict[str, Any]:
    """Say what would be decided of a call, and why. Nothing is sent, stored or charged."""
    now = time.time()
    with named_in_body():
        document = _document(here, actor, body)
        version = None if body.server is None else _version(here, actor, body.server, body.tool)
        subject = _subject(here, actor, body, now)
        earlier = [_earlier(here, actor, body.server, name) for name in body.earlier]
    tool = None if version is None else json.loads(version.definition)
    return try_call(document, body.tool, body.arguments, subject, now, tool, _category(version), earlier).described()


def _category(version: Version | None) -> Category | None:
    """What a tool in force is taken for."""
    return version.category if version is not None and version.status == "current" else None


def _earlier(here: State, actor: Actor, server: str | None, name: str) -> Tool:
    return Tool(name, None if server is None else _category(_version(here, actor, server, name)))


def _version(here: State, actor: Actor, server: str, tool: str) -> Version | None:
    """The version of the tool in force, else the one that is withheld. Raises NotStored."""
    found = definitions.of_server(here.engine, server, tool=tool, organisation=actor.organisation)
    return min(found, key=lambda version: version.status, default=None)


def _document(here: State, actor: Actor, body: Trial) -> Document:
    if (body.document is None) == (body.policy is None):
        raise BadInput("/document", "either a document or a policy is tried", "give one of them")
    if body.policy is None:
        return parse(body.document or "")
    stored = policies.get(here.engine, body.policy, organisation=actor.organisation)
    return Document.trusted(stored.document)


def _subject(here: State, actor: Actor, body: Trial, now: float) -> Subject:
    """The grant that is named, whose principal and labels not everybody may see; else what the body says."""
    if body.grant is not None:
        if not actor.may("admin"):
            raise BadInput("/grant", "a grant is tried by admins alone", "say `label`, `principal` and `labels`")
        found = grants.get(here.engine, body.grant, now, organisation=actor.organisation)
        return Subject(found.id, found.label, found.principal, found.server_id, actor.organisation, dict(found.labels))
    server = None if body.server is None else servers.get(here.engine, body.server, organisation=actor.organisation)
    server_id = "" if server is None else server.id
    return Subject("what-if", body.label, body.principal, server_id, actor.organisation, dict(body.labels))
