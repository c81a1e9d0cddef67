"""`/catalogue/apply`: from the catalogue to the policy of a registered server, by forms alone."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.control.builder.filled import filled
from tests.control.running import Answer, Browser, Control

from toolgate.catalogue.entries import ServerFacts
from toolgate.policy.compiler import compile_policy
from toolgate.policy.definition import fingerprint
from toolgate.policy.document import parse
from toolgate.store import definitions, events, grants, policies, servers
from toolgate.store.definitions import Seen

pytestmark = pytest.mark.slow

HOSTILE = "<script>alert(1)</script>\u202e"
PATH = {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}
NOTES: list[dict[str, Any]] = [
    {"name": "read_file", "description": "Reads a file.", "inputSchema": PATH},
    {"name": "delete_note", "description": "Deletes a note for good."},
    {"name": "create_note", "description": "Creates a note."},
]
APPLY = "/catalogue/apply/acme--notes"


def stock(control: Control, *, known: list[dict[str, Any]] = NOTES, has: list[dict[str, Any]] = NOTES) -> str:
    """A server of the catalogue and one that is registered; the id of the latter."""
    facts = ServerFacts("acme/notes", url="https://mcp.acme.example/mcp")
    control.state.catalogue().put(facts, known, source="import", now=1000.0)
    server = servers.add(control.engine, "test", "desk", "https://mcp.example.com/mcp")
    seen = [Seen(tool["name"], fingerprint(tool), json.dumps(tool)) for tool in has]
    definitions.saw(control.engine, "test", server.id, seen, trusted=True)
    return server.id


async def send(browser: Browser, page: Answer, do: str, path: str, **changed: str) -> Answer:
    """Send the form at the end of the page as a browser does."""
    last = page.text[page.text.rindex("<form") :].replace("<form ", '<form id="builder" ', 1)
    return await browser.post(path, {**filled(last), "csrf": browser.csrf, "do": do, **changed})


async def test_a_new_policy_is_saved_and_holds_on_the_next_call(control: Control) -> None:
    server = stock(control)
    manager = await control.signed_in("policy_manager")
    page = await manager.get(f"{APPLY}?server={server}")
    assert page.status == 200
    saved = await send(manager, page, "save", "/policies/new")
    assert saved.status == 303, saved.text
    stored = policies.get(control.engine, "desk")
    policy = compile_policy(parse(stored.document))
    assert [policy.could_call(name) for name in ("read_file", "create_note", "delete_note")] == [True, True, False]
    noted = events.newest(control.engine)[0]
    assert manager.member is not None
    assert (noted.action, noted.target, noted.actor) == ("put", stored.id, manager.member.email)


async def test_the_policy_of_the_servers_grant_is_taken_and_only_its_tools_change(control: Control) -> None:
    server = stock(control)
    live = '{\n  "version": "1", "default": "deny",\n  "hide": ["create_note"],\n  "tools": {"theirs": {}}\n}\n'
    policy = policies.put(control.engine, "ann", "careful", live)
    grants.add(control.engine, "test", server="desk", policy="careful", label="agent")
    manager = await control.signed_in("policy_manager")
    page = await manager.get(f"{APPLY}?server={server}")
    twin = (await manager.get(f"{APPLY}.json?server={server}")).json
    assert (twin["policy"], twin["opened"], twin["valid"]) == ("careful", ["create_note", "read_file"], True)
    assert "It opens what is closed now" in page.text
    saved = await send(manager, page, "save", f"/policies/{policy.id}/edit")
    assert saved.status == 303, saved.text
    stored = policies.get(control.engine, policy.id)
    assert (stored.revision, stored.document) == (2, twin["draft"])
    assert list(parse(stored.document).raw["tools"]) == ["theirs", "create_note", "read_file"]
    assert parse(stored.document).raw["hide"] == ["delete_note"]


async def test_who_was_slower_sees_the_difference_and_nothing_is_lost(control: Control) -> None:
    server = stock(control)
    policy = policies.put(control.engine, "ann", "careful", '{"version": "1", "default": "deny"}')
    manager = await control.signed_in("policy_manager")
    page = await manager.get(f"{APPLY}?server={server}&policy={policy.id}")
    policies.put(control.engine, "bob", "careful", '{"version": "1", "default": "deny", "tools": {"bobs": {}}}')
    answer = await send(manager, page, "save", f"/policies/{policy.id}/edit")
    assert answer.status == 409
    assert "somebody was quicker" in answer.text
    assert "bobs" in policies.get(control.engine, policy.id).document


async def test_the_draft_opens_in_the_builder(control: Control) -> None:
    server = stock(control)
    manager = await control.signed_in("policy_manager")
    page = await manager.get(f"{APPLY}?server={server}&safeguards=yes")
    assert "/REPLACE/with/a/root" in page.text
    assert "/tools/read_file/require/0/conditions/0/value" in page.text
    built = await send(manager, page, "apply", "/policies/new")
    assert built.status == 200
    assert "/REPLACE/with/a/root" in built.text
    assert policies.every(control.engine) == []


async def test_one_tool_alone_is_applied(control: Control) -> None:
    server = stock(control)
    manager = await control.signed_in("policy_manager")
    twin = (await manager.get(f"{APPLY}.json?server={server}&tool=delete_note")).json
    assert parse(twin["draft"]).raw == {"version": "1", "default": "deny", "hide": ["delete_note"], "tools": {}}
    assert [each["name"] for each in twin["tools"]] == ["delete_note"]


async def test_what_differs_between_catalogue_and_server_is_told(control: Control) -> None:
    changed = {**NOTES[0], "inputSchema": {"type": "object", "properties": {"path": {}, "force": {}}}}
    server = stock(control, has=[changed, {"name": f"send_{HOSTILE}"}, NOTES[1]])
    manager = await control.signed_in("policy_manager")
    page = await manager.get(f"{APPLY}?server={server}")
    assert "<script>alert" not in page.text
    assert "\u202e" not in page.text
    assert "other parameters than in the catalogue" in page.text
    twin = (await manager.get(f"{APPLY}.json?server={server}")).json
    assert (twin["missing"], twin["extra"], twin["different"]) == (["create_note"], [f"send_{HOSTILE}"], ["read_file"])


async def test_a_large_policy_takes_a_large_draft(control: Control) -> None:
    many = [{"name": f"create_{place}", "description": "Creates it."} for place in range(400)]
    server = stock(control, known=many, has=many)
    policy = policies.put(
        control.engine, "ann", "careful", '{"version": "1", "default": "deny", "tools": {"mine": {}}}'
    )
    manager = await control.signed_in("policy_manager")
    twin = (await manager.get(f"{APPLY}.json?server={server}&policy={policy.id}")).json
    assert len(parse(twin["draft"]).raw["tools"]) == 401


async def test_without_servers_tools_or_a_known_name_the_page_says_what_to_do(control: Control) -> None:
    manager = await control.signed_in("policy_manager")
    control.state.catalogue().put(ServerFacts("acme/notes"), NOTES, source="import", now=1.0)
    assert "Add a server" in (await manager.get(APPLY)).text
    server = servers.add(control.engine, "test", "notes", "https://mcp.example.com/mcp")
    page = await manager.get(APPLY)
    assert f'<option value="{server.id}" selected>' in page.text
    assert "The server has told no tools yet" in page.text
    assert (await manager.get("/catalogue/apply/nothing")).status == 404
    assert (await manager.get(f"{APPLY}?policy={server.id}")).status == 404


async def test_who_may_not_save_policies_is_not_offered_the_page(control: Control) -> None:
    stock(control)
    assert (await (await control.signed_in("viewer")).get(APPLY)).status == 403
