"""Policies over the REST API: byte for byte, revision by revision, and never over somebody else's change."""

from __future__ import annotations

import asyncio
import json

import pytest
from tests.control.api.asking import OPEN_POLICY, POLICY, Program, rows
from tests.control.running import Control

from toolgate.store import grants, policies, servers

pytestmark = pytest.mark.slow

ODD = '{\n\t"version":"1" ,"default" : "deny", "description": "\\u00e9 \u00e9"}\n\n'


async def test_a_document_is_kept_byte_for_byte(control: Control, admin: Program) -> None:
    made = await admin.ask("PUT", "/policies/careful", ODD.encode())
    assert made.status == 201, made.text
    assert made.headers["location"] == f"/api/v1/policies/{made.json['id']}"
    read = await admin.get("/policies/careful/document")
    assert read.text == ODD
    assert read.headers["etag"] == made.headers["etag"]
    assert policies.get(control.engine, "careful").document == ODD


async def test_the_same_text_makes_no_revision_whatever_was_read(admin: Program) -> None:
    first = await admin.ask("PUT", "/policies/careful", POLICY.encode())
    again = await admin.ask("PUT", "/policies/careful", POLICY.encode())
    assert (again.status, again.json["revision"]) == (200, 1)
    assert again.headers["etag"] == first.headers["etag"]


async def test_a_revision_says_which_one_it_replaces(admin: Program) -> None:
    made = await admin.ask("PUT", "/policies/careful", POLICY.encode())
    blind = await admin.ask("PUT", "/policies/careful", OPEN_POLICY.encode())
    assert (blind.status, blind.json["type"]) == (428, "urn:toolgate:problem:if-match-needed")
    assert made.headers["etag"] in blind.json["mend"]
    put = await admin.ask("PUT", "/policies/careful", OPEN_POLICY.encode(), if_match=made.headers["etag"])
    assert (put.status, put.json["revision"]) == (200, 2)
    late = await admin.ask("PUT", "/policies/careful", ODD.encode(), if_match=made.headers["etag"])
    assert (late.status, late.headers["etag"]) == (412, put.headers["etag"])
    force = await admin.ask("PUT", "/policies/careful", ODD.encode(), if_match="*")
    assert (force.status, force.json["revision"]) == (200, 3)


async def test_weak_and_foreign_tags_match_nothing(admin: Program) -> None:
    made = await admin.ask("PUT", "/policies/careful", POLICY.encode())
    tag = made.headers["etag"]
    for wrong in (f"W/{tag}", tag.strip('"'), '"x"', "", f"{tag} {tag}"):
        answer = await admin.ask("PUT", "/policies/careful", OPEN_POLICY.encode(), if_match=wrong)
        assert answer.status == 412, wrong
    several = await admin.ask("PUT", "/policies/careful", OPEN_POLICY.encode(), if_match=f'"x", {tag}')
    assert several.status == 200


async def test_a_policy_is_made_only_where_there_is_none(admin: Program) -> None:
    made = await admin.ask("PUT", "/policies/careful", POLICY.encode(), if_none_match="*")
    assert made.status == 201
    again = await admin.ask("PUT", "/policies/careful", OPEN_POLICY.encode(), if_none_match="*")
    assert again.status == 412
    gone = await admin.ask("PUT", "/policies/other", POLICY.encode(), if_match="*")
    assert gone.status == 412


async def test_of_two_revisions_at_the_same_moment_one_counts(admin: Program) -> None:
    made = await admin.ask("PUT", "/policies/careful", POLICY.encode())
    tag = made.headers["etag"]
    texts = [json.dumps({"version": "1", "default": "deny", "description": str(number)}) for number in range(4)]
    answers = await asyncio.gather(
        *(admin.ask("PUT", "/policies/careful", text.encode(), if_match=tag) for text in texts)
    )
    assert sorted(answer.status for answer in answers) == [200, 412, 412, 412]


async def test_a_document_that_is_not_valid_is_told_whole(control: Control, admin: Program) -> None:
    before = rows(control)
    answer = await admin.ask("PUT", "/policies/careful", b'{"version": "2", "defualt": "deny"}')
    assert (answer.status, answer.json["type"]) == (422, "urn:toolgate:problem:invalid-policy")
    assert {"/version", "/defualt"} <= {problem["pointer"] for problem in answer.json["problems"]}
    assert rows(control) == before


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"\xff\xfe", "application/json", 400),
        (b"{", "application/json", 422),
        (POLICY.encode(), "text/plain", 415),
        (b" " * (1024 * 1024 + 1), "application/json", 413),
        (b'{"version": "1", "version": "1", "default": "deny"}', "application/json", 422),
    ],
)
async def test_what_is_no_document_makes_nothing(
    control: Control, admin: Program, body: bytes, content_type: str, status: int
) -> None:
    before = rows(control)
    answer = await admin.ask("PUT", "/policies/careful", body, content_type=content_type)
    assert answer.status == status, answer.text
    assert rows(control) == before


async def test_a_policy_is_shown_as_the_command_line_shows_it(admin: Program) -> None:
    await admin.send("POST", "/policies", {"name": "careful", "document": POLICY})
    await admin.ask("PUT", "/policies/careful", OPEN_POLICY.encode(), if_match="*")
    shown = (await admin.get("/policies/careful")).json
    assert (shown["revision"], shown["document"]) == (2, OPEN_POLICY)
    assert [row["revision"] for row in shown["history"]] == [2, 1]
    old = (await admin.get("/policies/careful/revisions/1")).json
    assert (old["revision"], old["document"]) == (1, POLICY)
    assert (await admin.get("/policies/careful/revisions/9")).status == 404
    assert (await admin.get("/policies/careful?revision=1")).json["document"] == POLICY


async def test_a_policy_is_created_once(control: Control, admin: Program) -> None:
    body = {"name": "careful", "document": POLICY}
    first = await admin.send("POST", "/policies", body, idempotency_key="a")
    again = await admin.send("POST", "/policies", body, idempotency_key="a")
    assert (first.status, again.status, first.text) == (201, 201, again.text)
    assert first.headers["etag"] == again.headers["etag"]
    taken = await admin.send("POST", "/policies", body)
    assert (taken.status, taken.json["place"]) == (409, "/name")


async def test_the_revisions_and_their_differences_are_listed(admin: Program) -> None:
    await admin.ask("PUT", "/policies/careful", POLICY.encode())
    await admin.ask("PUT", "/policies/careful", OPEN_POLICY.encode(), if_match="*")
    listed = await admin.get("/policies/careful/revisions?limit=1")
    assert [row["revision"] for row in listed.json["items"]] == [2]
    rest = await admin.get(f"/policies/careful/revisions?limit=1&cursor={listed.json['next']}")
    assert ([row["revision"] for row in rest.json["items"]], rest.json["next"]) == ([1], None)
    compared = (await admin.get("/policies/careful/diff")).json
    assert (compared["before"], compared["after"]) == (1, 2)
    assert compared["differences"] == [{"pointer": "/default", "kind": "changed", "before": "deny", "after": "allow"}]
    assert compared["text"].splitlines()[0] == "--- revision 1"
    same = (await admin.get("/policies/careful/diff?from=2&to=2")).json
    assert (same["differences"], same["text"]) == ([], "")


async def test_a_rollback_is_a_new_revision_with_the_old_text(admin: Program) -> None:
    await admin.ask("PUT", "/policies/careful", POLICY.encode())
    put = await admin.ask("PUT", "/policies/careful", OPEN_POLICY.encode(), if_match="*")
    blind = await admin.send("POST", "/policies/careful/rollback", {"revision": 1})
    assert blind.status == 428
    back = await admin.send("POST", "/policies/careful/rollback", {"revision": 1}, if_match=put.headers["etag"])
    assert (back.status, back.json["revision"]) == (200, 3)
    assert (await admin.get("/policies/careful/document")).text == POLICY
    nowhere = await admin.send("POST", "/policies/careful/rollback", {"revision": 9}, if_match="*")
    assert nowhere.status == 404


async def test_a_check_stores_nothing(control: Control, admin: Program) -> None:
    servers.add(control.engine, "test", "crm", "https://crm.example/mcp")
    before = rows(control)
    valid = await admin.send("POST", "/policies/check", {"document": OPEN_POLICY, "server": "crm"})
    assert valid.json["valid"] is True
    wrong = await admin.send("POST", "/policies/check", {"document": "{}"})
    assert (wrong.json["valid"], bool(wrong.json["problems"])) == (False, True)
    unknown = await admin.send("POST", "/policies/check", {"document": OPEN_POLICY, "server": "nobody"})
    assert unknown.status == 404
    assert rows(control) == before


async def test_a_policy_in_use_is_not_removed(control: Control, admin: Program) -> None:
    servers.add(control.engine, "test", "crm", "https://crm.example/mcp")
    await admin.ask("PUT", "/policies/careful", POLICY.encode())
    minted = grants.add(control.engine, "test", server="crm", policy="careful", label="ci")
    refused = await admin.send("DELETE", "/policies/careful")
    assert (refused.status, refused.json["type"]) == (409, "urn:toolgate:problem:conflict")
    grants.revoke(control.engine, "test", minted.grant.id)
    assert (await admin.send("DELETE", "/policies/careful", if_match='"x"')).status == 412
    assert (await admin.send("DELETE", "/policies/careful")).json["name"] == "careful"
    assert (await admin.get("/policies/careful")).status == 404


async def test_who_has_the_document_already_is_told_so(admin: Program) -> None:
    made = await admin.ask("PUT", "/policies/careful", POLICY.encode())
    answer = await admin.get("/policies/careful/document", if_none_match=made.headers["etag"])
    assert (answer.status, answer.text) == (304, "")
