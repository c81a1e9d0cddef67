"""Grants over the REST API: a token shown once, terms changed, and no more told than the role may know."""

from __future__ import annotations

import asyncio

import pytest
from tests.control.api.asking import POLICY, Program, other_organisation, rows
from tests.control.running import Control

from toolgate.keys import token_checks, token_digest
from toolgate.store import described, grants, policies, servers
from toolgate.store.tables import DEFAULT_ORGANISATION

pytestmark = pytest.mark.slow

URL = "https://crm.example/mcp"


@pytest.fixture
def furnished(control: Control) -> None:
    _furnish(control, DEFAULT_ORGANISATION)


def _furnish(control: Control, organisation: str) -> None:
    servers.add(control.engine, "test", "crm", URL, organisation=organisation)
    policies.put(control.engine, "test", "careful", POLICY, organisation=organisation)
    policies.put(control.engine, "test", "strict", POLICY, organisation=organisation)


@pytest.mark.usefixtures("furnished")
async def test_a_token_is_shown_once_and_stored_as_digest(control: Control, admin: Program) -> None:
    body = {"server": "crm", "policy": "careful", "label": "ci", "labels": {"tenant": "acme"}, "expires": "30d"}
    made = await admin.send("POST", "/grants", body)
    assert made.status == 201, made.text
    assert token_checks(made.json["token"])
    assert made.json["proxy_url"] == control.state.proxy_url(made.json["server_id"])
    shown = await admin.get("/grants/ci")
    stored = grants.get(control.engine, "ci", 0.0)
    assert shown.json == described.grant(stored)
    assert shown.json["created_by"].startswith("token:")
    assert made.json["token"] not in shown.text
    assert token_digest(made.json["token"]).hex() not in shown.text


@pytest.mark.usefixtures("furnished")
async def test_a_repeated_creation_gives_the_same_token(control: Control, admin: Program) -> None:
    body = {"server": "crm", "label": "ci"}
    answers = await asyncio.gather(*(admin.send("POST", "/grants", body, idempotency_key="k") for _ in range(4)))
    assert {answer.status for answer in answers} == {201}
    assert len({answer.json["token"] for answer in answers}) == 1
    assert len(grants.every(control.engine, 0.0)) == 1
    somebody = await Program.of(control, "admin")
    theirs = await somebody.send("POST", "/grants", body, idempotency_key="k")
    assert theirs.json["token"] != answers[0].json["token"]


@pytest.mark.usefixtures("furnished")
@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"server": "nobody", "label": "ci"}, "/server"),
        ({"server": "crm", "policy": "nobody", "label": "ci"}, "/policy"),
        ({"server": "crm", "label": ""}, "/label"),
        ({"server": "crm", "label": "a\u202eb"}, "/label"),
        ({"server": "crm", "label": "ci", "expires": "yesterday"}, "/expires"),
        ({"server": "crm", "label": "ci", "expires": "2020-01-01"}, "/expires"),
        ({"server": "crm", "label": "ci", "labels": {"a b": "c"}}, "/labels"),
        ({"server": "crm", "label": "ci", "labels": {"a": 1}}, "/labels/a"),
        ({"label": "ci"}, "/server"),
    ],
)
async def test_what_cannot_be_granted_makes_nothing(control: Control, admin: Program, body: object, place: str) -> None:
    before = rows(control)
    answer = await admin.send("POST", "/grants", body, idempotency_key="k")
    assert (answer.status, answer.json["place"]) == (422, place), answer.text
    assert rows(control) == before


@pytest.mark.usefixtures("furnished")
async def test_a_grant_joins_nothing_of_another_organisation(control: Control, admin: Program) -> None:
    other = other_organisation(control)
    _furnish(control, other)
    theirs = servers.get(control.engine, "crm", organisation=other)
    policy = policies.get(control.engine, "careful", organisation=other)
    refused = await admin.send("POST", "/grants", {"server": theirs.id, "label": "x"})
    unknown = await admin.send("POST", "/grants", {"server": theirs.id.replace("a", "b"), "label": "x"})
    assert (refused.status, refused.json["place"]) == (unknown.status, unknown.json["place"]) == (422, "/server")
    across = await admin.send("POST", "/grants", {"server": "crm", "policy": policy.id, "label": "x"})
    assert (across.status, across.json["place"]) == (422, "/policy")


@pytest.mark.usefixtures("furnished")
async def test_what_is_not_named_of_the_terms_stays(admin: Program) -> None:
    body = {"server": "crm", "policy": "careful", "label": "ci", "principal": "ada", "labels": {"a": "b"}}
    made = (await admin.send("POST", "/grants", body)).json
    changed = (await admin.send("PATCH", f"/grants/{made['id']}", {"policy": "strict"})).json
    assert (changed["policy"], changed["principal"], changed["labels"]) == ("strict", "ada", {"a": "b"})
    bare = (await admin.send("PATCH", "/grants/ci", {"policy": None, "labels": {}, "expires": "30d"})).json
    assert (bare["policy"], bare["labels"], bare["expires"] is not None) == (None, {}, True)
    assert (await admin.send("PATCH", "/grants/ci", {"policy": "nobody"})).json["place"] == "/policy"


@pytest.mark.usefixtures("furnished")
async def test_rotation_and_revocation(control: Control, admin: Program) -> None:
    made = (await admin.send("POST", "/grants", {"server": "crm", "label": "ci"})).json
    rotated = await admin.send("POST", "/grants/ci/rotate", idempotency_key="r")
    again = await admin.send("POST", "/grants/ci/rotate", idempotency_key="r")
    assert (rotated.status, rotated.text) == (200, again.text)
    assert rotated.json["token"] != made["token"]
    revoked = await admin.send("POST", "/grants/ci/revoke")
    assert (revoked.status, revoked.json["state"]) == (200, "revoked")
    for path, body in (("rotate", None), ("attach", {"policy": "strict"})):
        answer = await admin.send("POST", f"/grants/{made['id']}/{path}", body)
        assert (answer.status, answer.json["type"]) == (409, "urn:toolgate:problem:conflict")
    assert (await admin.send("PATCH", f"/grants/{made['id']}", {"labels": {}})).status == 409


@pytest.mark.usefixtures("furnished")
async def test_each_role_sees_what_it_may_of_a_grant(control: Control, admin: Program) -> None:
    await admin.send("POST", "/grants", {"server": "crm", "policy": "careful", "label": "ci", "principal": "ada"})
    label = {"id", "label", "server", "policy", "state", "stopped"}
    viewer, keeper = await Program.of(control, "viewer"), await Program.of(control, "policy_manager")
    for program in (viewer, keeper):
        assert set((await program.get("/grants/ci")).json) == label
        assert [set(row) for row in (await program.get("/grants")).json["items"]] == [label]
    attached = await keeper.send("POST", "/grants/ci/attach", {"policy": "strict"})
    assert (attached.status, attached.json["policy"], set(attached.json)) == (200, "strict", label)
    assert (await viewer.send("POST", "/grants/ci/attach", {"policy": "strict"})).status == 403


@pytest.mark.usefixtures("furnished")
async def test_grants_are_found_by_server_policy_and_state_page_by_page(control: Control, admin: Program) -> None:
    servers.add(control.engine, "test", "notes", URL)
    for number in range(3):
        grants.add(control.engine, "test", server="crm", policy="careful", label=f"g{number}")
    grants.add(control.engine, "test", server="notes", policy="strict", label="n")
    grants.revoke(control.engine, "test", "g2")
    first = (await admin.get("/grants?server=crm&limit=2")).json
    assert [row["label"] for row in first["items"]] == ["g0", "g1"]
    rest = (await admin.get(f"/grants?server=crm&limit=2&cursor={first['next']}")).json
    assert ([row["label"] for row in rest["items"]], rest["next"]) == (["g2"], None)
    assert [row["label"] for row in (await admin.get("/grants?policy=strict")).json["items"]] == ["n"]
    assert [row["label"] for row in (await admin.get("/grants?state=revoked")).json["items"]] == ["g2"]
    assert len((await admin.get("/grants?state=active")).json["items"]) == 3
    assert (await admin.get("/grants?state=expired")).json["items"] == []
    assert (await admin.get("/grants?server=nobody")).status == 404


@pytest.mark.usefixtures("furnished")
async def test_a_grant_is_stopped_and_resumed(control: Control, admin: Program) -> None:
    minted = grants.add(control.engine, "test", server="crm", policy="careful", label="ci")
    stopped = await admin.send("POST", "/grants/ci/stop", {"reason": "Look at it first."})
    assert stopped.status == 200, stopped.text
    assert (stopped.json["state"], stopped.json["stopped"]["reason"]) == ("stopped", "Look at it first.")
    assert stopped.json["stopped"]["by"].startswith("token:")
    viewer = await Program.of(control, "viewer")
    assert (await viewer.get("/grants/ci")).json["stopped"] == stopped.json["stopped"]
    assert [row["label"] for row in (await admin.get("/grants?state=stopped")).json["items"]] == ["ci"]
    assert (await admin.send("POST", "/grants/ci/resume")).json == described.grant(minted.grant)
    bad = await admin.send("POST", "/grants/ci/stop", {"reason": "a\nb"})
    assert (bad.status, bad.json["place"]) == (422, "/reason")
    grants.revoke(control.engine, "test", "ci")
    assert (await admin.send("POST", "/grants/ci/stop", {})).status == 409
