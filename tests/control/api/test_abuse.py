"""Every operation of the document: without a credential, with each role, from elsewhere, forged and malformed.

The operations are read from the document itself, so that a new one is tried without being named here.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.control.api.asking import OTHER, Program, other_organisation, rows
from tests.control.api.house import OF_ALL, UNKNOWN, House, Operation, furnish, operations
from tests.control.running import Answer, Control

from toolgate.control.identity.actor import Role
from toolgate.store.roles import ROLES, reaches
from toolgate.store.tables import DEFAULT_ORGANISATION

pytestmark = pytest.mark.slow

MALFORMED: tuple[bytes, ...] = (
    b"",
    b"{",
    b"[]",
    b"null",
    b'"x"',
    b"\xff\xfe",
    b'\xef\xbb\xbf{"a": 1}',
    b'{"name": "a", "name": "b"}',
    b'{"name": "a", "NAME": "b"}',
    b'{"nobody_knows_this": 1}',
    b'{"name": "\\ud800"}',
    b"[" * 5000,
    b'{"a": NaN}',
    b" " * (1024 * 1024 + 1),
)

NOBODY = {"revision": "1"}
"""Ids that nothing has."""


@pytest.fixture
async def control(tmp_path: Path) -> AsyncIterator[Control]:
    async with Control.running(tmp_path / "data") as control:
        yield control


@pytest.fixture
async def house(control: Control) -> House:
    return await furnish(control, DEFAULT_ORGANISATION, "one")


def _encoded(operation: Operation) -> bytes:
    return b"" if operation.body is None else json.dumps(operation.body).encode()


async def test_nobody_gets_in_without_a_credential(control: Control, house: House) -> None:
    before = rows(control)
    for secret in ("", "tgt_" + "0" * 49, "nonsense"):
        program = Program(await control.browser(), secret)
        for operation in operations():
            answer = await program.ask(operation.method, operation.at(house.ids), _encoded(operation))
            assert answer.status == 401, (operation.name, answer.text)
            assert answer.json["type"] == "urn:toolgate:problem:not-signed-in"
    assert rows(control) == before


@pytest.mark.parametrize("role", ROLES)
async def test_a_role_may_do_what_the_document_says_and_nothing_else(
    control: Control, house: House, role: Role
) -> None:
    program = await Program.of(control, role, approver=("*",))
    before = rows(control)
    for operation in operations():
        needed: Any = operation.role
        if not reaches(role, needed):
            answer = await program.ask(operation.method, operation.at(house.ids), _encoded(operation))
            assert (answer.status, answer.json["type"]) == (403, "urn:toolgate:problem:not-allowed"), operation.name
        elif not operation.changes:
            answer = await program.ask("GET", operation.at(house.ids))
            assert answer.status == 200, (operation.name, answer.text)
        else:
            # What is refused for other reasons was allowed.
            answer = await program.ask(operation.method, operation.at({}), b'{"nobody_knows_this": 1}')
            assert answer.status in (404, 422), (operation.name, answer.text)
    assert rows(control) == before


async def test_what_another_organisation_has_is_what_nobody_has(control: Control, house: House) -> None:
    await furnish(control, other_organisation(control), "two")
    stranger = await Program.of(control, "admin", organisation=OTHER, approver=("*",))
    before = rows(control)
    for operation in operations():
        if OF_ALL & set(operation.parameters):
            continue
        if not set(operation.parameters) - {"revision"} and operation.at(house.ids) == operation.at(NOBODY):
            continue
        theirs, nobodys = [
            await stranger.ask(operation.method, operation.at(ids), _encoded(operation)) for ids in (house.ids, NOBODY)
        ]
        assert theirs.status == nobodys.status == 404, (operation.name, theirs.text, nobodys.text)
        assert _anonymous(theirs, house) == _anonymous(nobodys, house), operation.name
    assert rows(control) == before


def _anonymous(answer: Answer, house: House) -> str:
    text = answer.text
    for id_ in (*house.ids.values(), UNKNOWN):
        text = text.replace(id_, "ID") if len(id_) > 1 else text
    return text


async def test_lists_hold_what_the_own_organisation_has(control: Control, house: House) -> None:
    theirs = await furnish(control, other_organisation(control), "two")
    stranger = await Program.of(control, "admin", organisation=OTHER, approver=("*",))
    for operation in operations():
        if operation.changes or operation.parameters:
            continue
        text = (await stranger.get(operation.at(theirs.ids))).text
        own = [id_ for what, id_ in house.ids.items() if what not in OF_ALL and len(id_) > 1]
        assert not [id_ for id_ in own if id_ in text], operation.name


async def test_a_page_of_another_origin_changes_nothing(control: Control, house: House) -> None:
    browser = await control.signed_in("admin", approver=("*",))
    before = rows(control)
    forged: tuple[dict[str, str], ...] = (
        {},
        {"x_csrf_token": "0" * 64},
        {"x_csrf_token": browser.csrf, "origin": "https://evil.example"},
        {"x_csrf_token": browser.csrf, "sec_fetch_site": "cross-site"},
    )
    for operation in operations():
        for said in forged if operation.changes else ():
            answer = await browser.ask(
                operation.method,
                f"/api/v1{operation.at(house.ids)}",
                _encoded(operation),
                content_type="application/json",
                **said,
            )
            assert (answer.status, answer.json["type"]) == (403, "urn:toolgate:problem:forged"), operation.name
    assert rows(control) == before


async def test_malformed_bodies_make_nothing(control: Control, house: House) -> None:
    program = await Program.of(control, "admin", approver=("*",))
    before = rows(control)
    for operation in operations():
        for body in MALFORMED if operation.body is not None else ():
            answer = await program.ask(operation.method, operation.at(house.ids), body)
            assert answer.status in (400, 413, 422), (operation.name, body[:40], answer.text)
            assert answer.headers["content-type"] == "application/problem+json"
    assert rows(control) == before


async def test_another_content_type_makes_nothing(control: Control, house: House) -> None:
    program = await Program.of(control, "admin", approver=("*",))
    before = rows(control)
    for operation in operations():
        for kind in ("text/plain", "application/x-www-form-urlencoded", "application/json+x", ""):
            if operation.body is None:
                continue
            answer = await program.ask(
                operation.method, operation.at(house.ids), _encoded(operation), content_type=kind
            )
            assert answer.status == 415, (operation.name, kind, answer.text)
    assert rows(control) == before


async def test_no_answer_holds_a_secret(control: Control, house: House) -> None:
    program = await Program.of(control, "admin", approver=("*",))
    for operation in operations():
        if operation.changes:
            continue
        text = (await program.get(operation.at(house.ids))).text
        assert not [secret for secret in house.secrets if secret in text], operation.name


async def test_odd_ids_are_not_found(control: Control, house: House) -> None:
    program = await Program.of(control, "admin", approver=("*",))
    before = rows(control)
    for operation in operations():
        for odd in ("%00", "..", "a" * 300, "'; DROP TABLE servers; --", "\u202egpj", "%ff"):
            if not set(operation.parameters) - {"revision"}:
                continue
            ids = dict.fromkeys(operation.parameters, odd) | {"revision": "1"}
            answer = await program.ask(operation.method, operation.at(ids), _encoded(operation))
            assert answer.status in (404, 405, 422), (operation.name, odd, answer.text)
    assert rows(control) == before
