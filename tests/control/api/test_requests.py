"""What every operation has in common: credentials, strict requests, and refusals as problems."""

from __future__ import annotations

from tests.control.api.asking import POLICY, Program
from tests.control.running import Control

from toolgate.store import policies, tables
from toolgate.store.database import writing


async def test_a_token_tells_who_it_is(control: Control) -> None:
    program = await Program.of(control, "viewer")
    answer = await program.get("/whoami")
    assert answer.status == 200
    assert answer.json["role"] == "viewer"
    assert answer.json["name"].startswith("token:")
    assert answer.headers["cache-control"] == "no-store"


async def test_a_session_tells_who_it_is(control: Control) -> None:
    browser = await control.signed_in("policy_manager")
    answer = await browser.get("/api/v1/whoami")
    assert (answer.json["email"], answer.json["role"]) == (browser.member.email, "policy_manager")


async def test_nobody_is_told_to_bring_a_credential(control: Control) -> None:
    browser = await control.browser()
    answer = await browser.get("/api/v1/whoami")
    assert answer.status == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json["type"] == "urn:toolgate:problem:not-signed-in"
    assert answer.json["mend"]


async def test_an_unknown_path_is_a_problem(admin: Program) -> None:
    answer = await admin.get("/nothing")
    assert (answer.status, answer.json["type"]) == (404, "urn:toolgate:problem:not-found")
    assert answer.json["place"] == "GET /api/v1/nothing"


async def test_another_method_is_a_problem_that_names_those_there_are(admin: Program) -> None:
    answer = await admin.send("DELETE", "/whoami")
    assert (answer.status, answer.headers["allow"]) == (405, "GET")
    assert answer.json["type"] == "urn:toolgate:problem:method-not-allowed"


async def test_an_unknown_parameter_is_refused(admin: Program) -> None:
    answer = await admin.get("/whoami?sever=cargo")
    assert (answer.status, answer.json["place"]) == (422, "query sever")


async def test_a_body_that_nobody_reads_is_refused(admin: Program) -> None:
    answer = await admin.send("GET", "/whoami", {"a": 1})
    assert (answer.status, answer.json["place"]) == (422, "body")


async def test_a_fault_of_ours_is_a_problem_that_tells_nothing(control: Control, admin: Program) -> None:
    policies.put(control.engine, "test", "careful", POLICY)
    with writing(control.engine, "test") as change:
        change.connection.execute(tables.policy_revisions.update().values(document="{"))
    answer = await admin.get("/policies/careful/diff")
    assert (answer.status, answer.headers["content-type"]) == (500, "application/problem+json")
    assert answer.json["type"] == "urn:toolgate:problem:failed"
    assert "JSON" not in answer.text


async def test_a_broken_seal_is_told_to_the_log_alone(control: Control, admin: Program) -> None:
    body = {"name": "careful", "document": POLICY}
    await admin.send("POST", "/policies", body, idempotency_key="k")
    with writing(control.engine, "test") as change:
        change.connection.execute(tables.idempotency.update().values(sealed=b"x" * 40))
    answer = await admin.send("POST", "/policies", body, idempotency_key="k")
    assert (answer.status, answer.json["detail"]) == (500, "something went wrong inside")
