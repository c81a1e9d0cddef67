"""Every route of the dashboard: without a credential, with each role, from elsewhere, forged and malformed.

The routes are those of the application itself. A new one fails the first test until it is in the table of
`tests.control.routes`, which says who may use it; then all other tests try it, too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

import pytest
from starlette.routing import Mount, Route
from tests.control.api.asking import OTHER, other_organisation, rows
from tests.control.api.house import UNKNOWN, House, furnish
from tests.control.routes import ACTIONS, CHANGES, OPEN, WAYS, Way
from tests.control.running import Answer, Browser, Control

from toolgate.store.roles import ROLES, Role, reaches
from toolgate.store.tables import DEFAULT_ORGANISATION

WITHOUT_FIELDS: Final = frozenset(
    {
        "/account/sessions/end-others",
        "/account/sessions/{session}/end",
        "/approvals/{id}/approve",
        "/approvals/{id}/deny",
        "/connect/{server_id}/disconnect",
        "/grants/{id}/claims",
        "/grants/{id}/resume",
        "/grants/{id}/revoke",
        "/grants/{id}/stop",
        "/grants/{id}/rotate",
        "/members/{member}/link",
        "/members/{member}/remove",
        "/members/{member}/sessions/end",
        "/messages/{message}/remove",
        "/policies/{policy}/remove",
        "/servers/{id}/refresh",
        "/servers/{id}/resume",
        "/servers/{id}/stop",
        "/servers/{id}/remove",
        "/settings/tokens/{token}/revoke",
        "/settings/webhooks/{id}/remove",
        "/settings/webhooks/{id}/secret",
        "/settings/webhooks/{id}/test",
        "/sign-out",
    }
)
"""Actions of one button: an empty form of the right session is all they need."""

NOTHING_ASKED: Final[Mapping[str, int]] = {
    "/policies/new": 200,
    "/policies/{policy}/edit": 200,
    "/servers/{id}/accept": 303,
}
"""What takes a form that asks for nothing: the draft again, or the page that it was on."""

FORM: Final[Mapping[str, str]] = {
    "policy": "strict",
    "name": "another",
    "label": "another",
    "email": "another@example.com",
    "role": "viewer",
    "revision": "1",
    "url": "https://mcp.example/mcp",
    "tool": "create_contact",
    "document": '{"version": "1", "default": "deny"}',
    "state": "disabled",
    "reason": "because",
    "arguments": "{}",
}
"""Fields of many forms at once, so that what is looked up in the path is."""

MALFORMED: Final[tuple[tuple[str, bytes], ...]] = (
    ("application/x-www-form-urlencoded", b"%zz=%ff&%00=%00&name=%ed%a0%80"),
    ("application/x-www-form-urlencoded", b"&".join(b"f%d=x" % number for number in range(5000))),
    ("application/x-www-form-urlencoded", b"name=b&name=..%2F&email=a&role=king&revision=-1&policy=%0a&do=?"),
    ("multipart/form-data", b"no boundary"),
    ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data"),
    (
        "multipart/form-data; boundary=x",
        b'--x\r\nContent-Disposition: form-data; name="name"; filename="f"\r\n\r\nx\r\n--x--',
    ),
    ("application/json", b"[" * 5000),
    ("text/plain", b"name=a"),
    ("", b"\xff\xfe"),
)


@pytest.fixture
async def house(control: Control) -> House:
    return await furnish(control, DEFAULT_ORGANISATION, "one")


async def asked(
    browser: Browser, method: str, path: str, form: Mapping[str, Any] | None = None, **headers: str
) -> Answer:
    """The answer, which has the headers that every answer has."""
    answer = await (browser.post(path, form, **headers) if method == "POST" else browser.ask(method, path, **headers))
    return guarded(answer, f"{method} {path}")


def guarded(answer: Answer, what: str) -> Answer:
    assert "default-src 'none'" in answer.headers["content-security-policy"], what
    assert "unsafe" not in answer.headers["content-security-policy"], what
    assert answer.headers["x-content-type-options"] == "nosniff", what
    assert "no-store" in answer.headers["cache-control"], what
    assert answer.headers["referrer-policy"] in {"same-origin", "no-referrer"}, what
    assert answer.status < 500, (what, answer.text)
    return answer


async def test_every_route_is_in_the_table(control: Control) -> None:
    found = {
        (method, route.path)
        for route in control.application.routes
        if isinstance(route, Route)
        for method in set(route.methods or ()) - {"HEAD"}
    }
    assert found == {(way.method, way.path) for way in WAYS} | set(OPEN)
    assert [route.path for route in control.application.routes if isinstance(route, Mount)] == ["/api/v1"]
    assert set(ACTIONS) >= WITHOUT_FIELDS


@pytest.mark.slow
async def test_nobody_gets_in_without_a_credential(control: Control, house: House) -> None:
    before = rows(control)
    hidden = [*house.secrets, "create_contact", "careful"]
    nobody = await control.browser()
    for said in ({}, {"cookie": "toolgate_session=" + "A" * 43}, {"authorization": "Bearer tgt_" + "0" * 49}):
        for way in WAYS:
            answer = await asked(nobody, way.method, way.at(house.ids), FORM, **said)
            assert answer.status == (401 if way.twin or way.path == "/live" else 303), (way, answer.text)
            assert way.twin or way.path == "/live" or answer.location.startswith("/sign-in"), way
            assert not [secret for secret in hidden if secret in answer.text], way
    assert rows(control) == before


@pytest.mark.slow
async def test_what_needs_no_session_tells_nothing_to_who_brings_nothing(control: Control, house: House) -> None:
    before = rows(control)
    nobody = await control.browser()
    for (method, path), status in OPEN.items():
        at = re.sub(r"{(\w+)(:path)?}", UNKNOWN, path)
        answer = await asked(nobody, method, at, FORM)
        assert answer.status == status, (method, path, answer.text)
        assert not [
            secret for secret in (*house.secrets, *house.ids.values()) if len(secret) > 1 and secret in answer.text
        ]
    assert rows(control) == before


@pytest.mark.slow
@pytest.mark.parametrize("role", ROLES)
async def test_a_role_may_do_what_the_table_says_and_nothing_else(control: Control, house: House, role: Role) -> None:
    browser = await control.signed_in(role, approver=("*",))
    before = rows(control)
    for way in WAYS:
        if not reaches(role, way.role):
            answer = await asked(browser, way.method, way.at(house.ids), FORM)
            assert answer.status == 403, (way, answer.text)
            assert not [secret for secret in house.secrets if secret in answer.text], way
        elif way.method == "GET" and way.path != "/live":
            answer = await asked(browser, "GET", way.at(house.ids))
            assert answer.status == 200, (way, answer.status, answer.text)
            assert not [secret for secret in house.secrets if secret in answer.text], way
    assert rows(control) == before


@pytest.mark.slow
@pytest.mark.parametrize("role", ROLES)
async def test_who_is_no_approver_sees_no_call_and_decides_on_none(control: Control, house: House, role: Role) -> None:
    browser = await control.signed_in(role)
    before = rows(control)
    for way in WAYS:
        if way.path.startswith("/approvals/{id}"):
            answer = await asked(browser, way.method, way.at(house.ids), FORM)
            assert answer.status in {403, 404}, (way, answer.status)
            assert "till" not in answer.text
    assert rows(control) == before


@pytest.mark.slow
async def test_what_another_organisation_has_is_what_nobody_has(control: Control, house: House) -> None:
    await furnish(control, other_organisation(control), "two")
    stranger = await control.signed_in("admin", organisation=OTHER, approver=("*",))
    before = rows(control)
    for way in WAYS:
        if way.named:
            theirs, nobodys = [await asked(stranger, way.method, way.at(ids), FORM) for ids in (house.ids, {})]
            assert theirs.status == nobodys.status, (way, theirs.status, nobodys.status)
            assert theirs.status == 404, (way, theirs.status, theirs.text)
            assert anonymous(theirs, house) == anonymous(nobodys, house), way
    assert rows(control) == before


@pytest.mark.slow
async def test_ids_of_another_organisation_in_queries_and_fields_are_unknown_ids(
    control: Control, house: House
) -> None:
    await furnish(control, other_organisation(control), "two")
    stranger = await control.signed_in("admin", organisation=OTHER, approver=("*",))
    before = rows(control)
    unknown = dict.fromkeys(house.ids, UNKNOWN)
    for way in WAYS:
        if way.named or way.path in {"/live", "/sign-out", "/account/sessions/end-others"}:
            continue
        answers = []
        for ids in (house.ids, unknown):
            said = {
                **ids,
                "approver": ids["server"],
                "member": ids["member"],
                "label": "x",
                "name": "x",
                "revision": "1",
            }
            query = "&".join(f"{name}={quote(value)}" for name, value in said.items() if name not in {"revision"})
            path = way.path if way.method == "POST" else f"{way.path}?{query}"
            answers.append(await asked(stranger, way.method, path, said))
        assert answers[0].status == answers[1].status, way
        assert anonymous(answers[0], house) == anonymous(answers[1], house), way
    assert rows(control) == before


def anonymous(answer: Answer, house: House) -> str:
    """What is said, without the ids that were asked for and the numbers of forms."""
    text = re.sub(r'name="once" value="[^"]+"', "", answer.text)
    for id_ in (*house.ids.values(), UNKNOWN):
        if len(id_) > 1:
            text = text.replace(id_, "ID").replace(id_[:8], "SHORT")
    return text


@pytest.mark.slow
async def test_a_forged_form_changes_nothing(control: Control, house: House) -> None:
    browser, other = [await control.signed_in("admin", approver=("*",)) for _ in range(2)]
    before = rows(control)
    forged: tuple[tuple[str, dict[str, str]], ...] = (
        ("", {}),
        ("0" * 64, {}),
        ("nonsense \u202e", {}),
        (other.csrf, {}),
        (other.csrf, {"x_csrf_token": other.csrf}),
        ("", {"x_csrf_token": other.csrf}),
        (browser.csrf, {"origin": "https://evil.example"}),
        (browser.csrf, {"origin": "null"}),
        (browser.csrf, {"sec_fetch_site": "cross-site"}),
        (browser.csrf, {"sec_fetch_site": "same-site"}),
    )
    for way in CHANGES:
        for token, said in forged:
            answer = await asked(browser, "POST", way.at(house.ids), {**FORM, "csrf": token}, **said)
            assert answer.status == 403, (way, said, answer.text)
    assert rows(control) == before


@pytest.mark.slow
async def test_malformed_forms_make_nothing(control: Control, house: House) -> None:
    browser = await control.signed_in("admin", approver=("*",))
    before = rows(control)
    for way in CHANGES:
        ids = {} if way.path in WITHOUT_FIELDS else house.ids
        for kind, body in MALFORMED if way.path not in {"/sign-out", "/account/sessions/end-others"} else ():
            said = {"content_type": kind, "x_csrf_token": browser.csrf}
            answer = guarded(await browser.ask("POST", way.at(ids), body, **said), f"{way} {kind} {body[:40]!r}")
            fine = 400 <= answer.status < 500 or answer.status == NOTHING_ASKED.get(way.path)
            assert fine, (way, kind, body[:40], answer.status, answer.text)
    assert rows(control) == before


@pytest.mark.slow
async def test_odd_ids_are_not_found(control: Control, house: House) -> None:
    browser = await control.signed_in("admin", approver=("*",))
    before = rows(control)
    for way in WAYS:
        for odd in ("%00", "a" * 300, "'; DROP TABLE servers; --", "\u202egpj", "%ff", "..%2f..", "0"):
            if "{" in way.path:
                answer = await asked(browser, way.method, re.sub(r"{\w+}", quote(odd, safe="%"), way.path), FORM)
                assert answer.status == 404, (way, odd, answer.status)
    assert rows(control) == before


@pytest.mark.slow
async def test_other_methods_are_refused(control: Control, house: House) -> None:
    browser = await control.signed_in("admin", approver=("*",))
    before = rows(control)
    looks = {way.path for way in WAYS if way.method == "GET"}
    acts = {way.path for way in CHANGES}
    for path in looks | acts:
        at = Way("", path, "viewer").at(house.ids)
        posted = path in acts or ("POST", path) in OPEN
        for method in ("PUT", "DELETE", "PATCH", "OPTIONS", *(() if posted else ("POST",))):
            answer = guarded(await browser.ask(method, at, x_csrf_token=browser.csrf), f"{method} {path}")
            # A path such as /policies/new.json is also that of a policy with this name.
            assert answer.status in {404, 405}, (method, path, answer.status)
        if path not in looks:
            assert (await asked(browser, "GET", at)).status in {404, 405}, path
        elif path != "/live":
            head = await asked(browser, "HEAD", at)
            assert (head.status, head.text) == (200, ""), path
    assert rows(control) == before
