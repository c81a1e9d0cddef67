"""`/settings/tokens`, and what a token of the API opens."""

from __future__ import annotations

import re
import sqlite3
import time

import pytest
from tests.control.running import Control

from toolgate.keys import api_token_checks, mint_token
from toolgate.store import events, organisations, tokens
from toolgate.store.events import EventFilter

DEPLOY = {"name": "deploy", "role": "policy_manager", "approves": "none", "expires": "90d"}


async def test_an_admin_makes_a_token_sees_it_once_and_revokes_it(control: Control) -> None:
    admin, program = await control.signed_in("admin"), await control.browser()
    made = await admin.post("/settings/tokens", DEPLOY)
    found = re.search(r"tgt_[0-9A-Za-z]{49}", made.text)
    assert found is not None
    secret = found[0]
    assert api_token_checks(secret)
    assert secret not in (await admin.get("/settings/tokens")).text
    [listed] = (await admin.get("/settings/tokens.json")).json["tokens"]
    assert (listed["name"], listed["role"], listed["state"]) == ("deploy", "policy_manager", "active")
    assert (await program.get("/patterns.json", authorization=f"Bearer {secret}")).status == 200
    assert (await program.get("/settings.json", authorization=f"Bearer {secret}")).status == 403
    assert (await admin.get("/settings/tokens.json")).json["tokens"][0]["last_used"] is not None
    assert (await admin.post(f"/settings/tokens/{listed['id']}/revoke")).location == "/settings/tokens?done=revoked"
    assert (await program.get("/patterns.json", authorization=f"Bearer {secret}")).status == 401
    noted = [event.action for event in events.newest(control.engine, EventFilter(kind="token"))]
    assert noted == ["revoke", "add"]


BAD: list[tuple[dict[str, str], str]] = [
    ({"name": ""}, "is not a name"),
    ({"name": "a b"}, "is not a name"),
    ({"role": "root"}, "is not a role"),
    ({"expires": "soon"}, "is not a moment to come"),
    ({"expires": "2001-01-01"}, "lies in the past"),
]


@pytest.mark.slow
async def test_bad_input_is_said_beside_its_field_and_makes_no_token(control: Control) -> None:
    admin = await control.signed_in("admin")
    for fields, said in BAD:
        wrong = await admin.post("/settings/tokens", {**DEPLOY, **fields})
        assert wrong.status == 422
        assert said in wrong.text
    assert tokens.every(control.engine, time.time()) == []


async def test_what_is_no_living_token_opens_nothing(control: Control) -> None:
    secret, gone = control.token("admin"), control.token("admin", expires=time.time() + 3600)
    with sqlite3.connect(control.state.data / "toolgate.db") as database:
        database.execute("UPDATE api_tokens SET expires = 1 WHERE expires IS NOT NULL")
    database.close()
    somebody = await control.signed_in("admin")
    wrong = ["", "Bearer", "Bearer ", f"Basic {secret}", f"Bearer {secret[:-1]}", f"Bearer {secret}x", f"Bearer {gone}"]
    wrong += [
        f"Bearer {mint_token()}",
        f"Bearer {secret},Bearer {secret}",
        f"Bearer tgt_{'0' * 49}",
        f"Bearer {secret} x",
    ]
    for header in wrong:
        # A session that comes along does not count either.
        assert (await somebody.get("/settings.json", authorization=header)).status == 401, header
    assert (await somebody.get("/settings.json", authorization=f"bearer {secret}")).status == 200


@pytest.mark.slow
async def test_a_token_needs_no_csrf_token_because_no_browser_sends_it_by_itself(control: Control) -> None:
    program, header = await control.browser(), f"Bearer {control.token('admin')}"
    made = await program.post("/settings/tokens", DEPLOY, authorization=header)
    assert made.status == 200
    token = tokens.get(control.engine, "deploy", time.time())
    assert token.created_by == "token:token-1"


@pytest.mark.slow
async def test_a_token_is_of_its_organisation_alone(control: Control) -> None:
    acme = organisations.add(control.engine, "test", "acme")
    secret = control.token("admin", organisation=acme.id)
    own = tokens.every(control.engine, time.time(), organisation=acme.id)[0]
    program, admin = await control.browser(), await control.signed_in("admin")
    assert (await program.get("/members.json", authorization=f"Bearer {secret}")).json["members"] == []
    assert (await admin.get("/settings/tokens.json")).json["tokens"] == []
    assert (await admin.post(f"/settings/tokens/{own.id}/revoke")).status == 404
    assert (await program.get("/members.json", authorization=f"Bearer {secret}")).status == 200
