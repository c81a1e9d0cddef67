"""Documents of policies: checked without being stored, compared, looked over against a server's tools."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import Path, Query

from toolgate.control.api.operation import Asker, Here, needs, resource
from toolgate.control.api.refusals import Refused
from toolgate.control.api.shapes.policies import Check, Draft, PolicyDifference
from toolgate.control.identity.actor import Actor
from toolgate.control.state import State
from toolgate.policy.definition import Definition
from toolgate.policy.document import PolicyError, parse
from toolgate.policy.lint import lint
from toolgate.store import definitions, policies
from toolgate.store.differences import differences, unified

router = resource("Policies")

PolicyReference = Annotated[str, Path(max_length=64, description="Name or id of the policy.", examples=["careful"])]
ServerQuery = Annotated[
    str | None,
    Query(max_length=64, description="Name or id of a server whose tools the document is compared with."),
]
FromRevision = Annotated[
    int | None, Query(alias="from", ge=1, le=2**31 - 1, description="By default the one before the other one.")
]
ToRevision = Annotated[int | None, Query(alias="to", ge=1, le=2**31 - 1, description="By default the current one.")]


@router.post("/policies/check", response_model=Check, **needs("viewer", pure=True))
def check_document(body: Draft, actor: Asker, here: Here) -> dict[str, Any]:
    """Say whether a document is valid, and what in it is probably not meant. Nothing is stored."""
    tools = tools_of(here, actor, body.server)
    try:
        findings = lint(parse(body.document), tools)
    except PolicyError as error:
        return {"valid": False, "problems": [asdict(problem) for problem in error.problems], "findings": []}
    return {"valid": True, "problems": [], "findings": [asdict(finding) for finding in findings]}


@router.get("/policies/{policy}/diff", response_model=PolicyDifference, **needs("viewer"))
def compare_policy_revisions(
    policy: PolicyReference,
    actor: Asker,
    here: Here,
    before: FromRevision = None,
    after: ToRevision = None,
) -> dict[str, Any]:
    """Show how two revisions of a policy differ: place by place, and as lines."""
    newer = policies.get(here.engine, policy, after, organisation=actor.organisation)
    number = before if before is not None else max(1, newer.revision - 1)
    older = policies.get(here.engine, policy, number, organisation=actor.organisation)
    named = (f"revision {older.revision}", f"revision {newer.revision}")
    return {
        "before": older.revision,
        "after": newer.revision,
        "differences": list(differences(json.loads(older.document), json.loads(newer.document))),
        "text": unified(older.document, newer.document, named),
    }


def findings_of(here: State, actor: Actor, text: str, server: str | None) -> list[dict[str, Any]]:
    """What is probably not meant in a document. Raises PolicyError for one that is not valid, and NotStored."""
    document = parse(text)
    return [asdict(finding) for finding in lint(document, tools_of(here, actor, server))]


def tools_of(here: State, actor: Actor, server: str | None) -> dict[str, Definition] | None:
    """The definitions of a server's tools; of one that is withheld on a pinned server only where there is no other."""
    if server is None:
        return None
    versions = definitions.of_server(here.engine, server, organisation=actor.organisation)
    versions.sort(key=lambda version: version.status, reverse=True)
    return {version.name: Definition(json.loads(version.definition)) for version in versions}


def text_of(body: bytes) -> str:
    """The text of a document that came as the body. Raises Refused."""
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        mend = "save the document in UTF-8"
        raise Refused(400, "malformed", "Not one JSON value", "body", "is not UTF-8", mend) from None
