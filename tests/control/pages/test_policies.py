"""`/policies`: reading, building, saving, comparing, rolling back, removing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.control.builder.filled import filled
from tests.control.running import Answer, Browser, Control

from toolgate.policy.definition import fingerprint
from toolgate.store import definitions, grants, policies, servers
from toolgate.store.definitions import Seen
from toolgate.store.policies import Policy

pytestmark = pytest.mark.slow

LIVE = '{\r\n  "version": "1", "default": "deny",\r\n  "tools": {"list": {}}\r\n}'
HOSTILE = "<script>alert(1)</script>\u202e"
TOOLS: list[dict[str, Any]] = [
    {
        "name": "charge",
        "description": f"Charge a card. {HOSTILE}",
        "inputSchema": {"type": "object", "properties": {"amount": {"type": "number"}}, "required": ["amount"]},
    },
    {"name": "list", "description": "List the customers."},
    {"name": "delete", "description": "Delete a customer."},
]


def stock(control: Control) -> tuple[Policy, str]:
    """A server with tools, and a policy with a grant on it."""
    server = servers.add(control.engine, "test", "payments", "https://mcp.example.com/mcp")
    seen = [Seen(tool["name"], fingerprint(tool), json.dumps(tool)) for tool in TOOLS]
    definitions.saw(control.engine, "test", server.id, seen, trusted=True)
    policy = policies.put(control.engine, "ann", "payments", LIVE)
    grants.add(control.engine, "test", server="payments", policy="payments", label="agent", labels={"team": "a"})
    return policy, server.id


async def press(browser: Browser, page: Answer, path: str, do: str, **changed: str) -> Answer:
    """Send the builder's form as a browser does, with some fields changed."""
    return await browser.post(path, {**filled(page.text), "csrf": browser.csrf, "do": do, **changed})


async def test_an_empty_list_teaches_and_a_full_one_lists(control: Control) -> None:
    manager = await control.signed_in("policy_manager")
    assert "toolgate policy put" in (await manager.get("/policies")).text
    policy, _ = stock(control)
    listed = (await manager.get("/policies.json")).json["policies"]
    assert [(row["id"], row["name"], row["grants"]) for row in listed] == [(policy.id, "payments", 1)]
    assert "No policy holds these words" in (await manager.get("/policies?q=nothing")).text


async def test_a_policy_is_built_tried_reviewed_and_saved_by_forms_alone(control: Control) -> None:
    _, server = stock(control)
    manager = await control.signed_in("policy_manager")
    page = await manager.get(f"/policies/new?server={server}")
    assert "<script>alert" not in page.text
    page = await press(manager, page, "/policies/new", "open|/tools/charge", **{"stance:list": "allow"}, name="shop")
    rule = {"new:0:path": "args.amount", "new:0:op": "lte", "new:0:value": "100", "new:on_deny": "Too much."}
    page = await press(manager, page, "/policies/new", "add-rule", **rule)
    page = await press(manager, page, "/policies/new", "add-limit", **{"newlimit:max": "10", "stance:delete": "hide"})
    assert filled(page.text)["arg:amount"] == "1"
    page = await press(manager, page, "/policies/new", "try", **{"try:tool": "charge", "arg:amount": "120"})
    assert "Rule: /tools/charge/require/0." in page.text
    assert "argument <code>amount</code> is above 100" in page.text
    again = await press(manager, page, "/policies/new", "apply", **{"arg:amount": "90"})
    assert "argument <code>amount</code> is at most 100" in again.text
    page = await press(manager, page, "/policies/new", "review")
    assert "Save the policy" in page.text
    fields = {"draft": hidden(page, "draft"), "before": hidden(page, "before"), "revision": "0", "name": "shop"}
    saved = await manager.post("/policies/new", {**fields, "do": "save"})
    assert saved.status == 303
    document = json.loads(policies.get(control.engine, "shop").document)
    assert document == {
        "version": "1",
        "default": "deny",
        "tools": {
            "list": {},
            "charge": {
                "require": [
                    {"conditions": [{"path": "args.amount", "op": "lte", "value": 100}], "on_deny": "Too much."}
                ],
                "rate_limit": "10/minute",
            },
        },
        "hide": ["delete"],
    }


def hidden(page: Answer, name: str) -> str:
    before, _, rest = page.text.partition(f'name="{name}" value="')
    assert rest, before[-200:]
    return rest.partition('"')[0]


async def test_a_policy_that_is_opened_and_saved_unchanged_keeps_its_bytes(control: Control) -> None:
    policy, _ = stock(control)
    manager = await control.signed_in("policy_manager")
    path = f"/policies/{policy.id}/edit"
    page = await press(manager, await manager.get(path), path, "apply")
    assert (await press(manager, page, path, "save")).status == 303
    stored = policies.get(control.engine, policy.id)
    assert (stored.revision, stored.document) == (1, LIVE)
    await press(manager, page, path, "save", default="allow")
    after = policies.get(control.engine, policy.id)
    assert (after.revision, after.document) == (2, LIVE.replace("deny", "allow"))


async def test_whoever_saves_over_another_revision_sees_it_first(control: Control) -> None:
    policy, _ = stock(control)
    manager = await control.signed_in("policy_manager")
    path = f"/policies/{policy.id}/edit"
    page = await manager.get(path)
    policies.put(control.engine, "bob", "payments", LIVE.replace("list", "other"))
    refused = await press(manager, page, path, "save", **{"stance:delete": "hide"})
    assert refused.status == 409
    assert "was saved by" in refused.text
    assert "Save over revision 2" in refused.text
    assert policies.get(control.engine, policy.id).revision == 2
    form = {name: hidden(refused, name) for name in ("draft", "before", "revision", "name")}
    assert (await manager.post(path, {**form, "do": "save"})).status == 303
    assert policies.get(control.engine, policy.id).revision == 3


async def test_what_is_not_valid_stays_in_the_pane_and_is_not_saved(control: Control) -> None:
    policy, _ = stock(control)
    manager = await control.signed_in("policy_manager")
    path = f"/policies/{policy.id}/edit"
    page = await press(manager, await manager.get(path), path, "apply", pane='{"version": "1"}')
    assert "the key <code>default</code> is missing" in page.text
    assert filled(page.text)["pane"] == '{"version": "1"}'
    page = await press(manager, page, path, "save")
    assert page.status == 422
    assert policies.get(control.engine, policy.id).revision == 1


async def test_a_fault_is_told_and_what_was_typed_is_kept(control: Control) -> None:
    policy, _ = stock(control)
    manager = await control.signed_in("policy_manager")
    path = f"/policies/{policy.id}/edit"
    page = await manager.get(f"{path}?open=/tools/charge")
    typed = {"new:0:path": "args.amount", "new:0:op": "lte", "new:0:value": "lots", "new:on_deny": "No."}
    page = await press(manager, page, path, "add-rule", **typed)
    assert page.status == 422
    assert 'aria-invalid="true" aria-describedby="wrong-field"' in page.text
    assert "is no number" in page.text
    assert filled(page.text)["new:0:value"] == "lots"


async def test_a_form_that_the_builder_did_not_make_is_refused(control: Control) -> None:
    policy, _ = stock(control)
    manager = await control.signed_in("policy_manager")
    for fields in ({"draft": "%%"}, {"draft": "/w=="}, {"revision": "x"}, {"revision": "9" * 12}):
        answer = await manager.post(f"/policies/{policy.id}/edit", {"draft": "", "revision": "1", **fields})
        assert answer.status == 422


async def test_viewers_read_and_try_but_neither_make_nor_change(control: Control) -> None:
    policy, _ = stock(control)
    viewer = await control.signed_in("viewer")
    path = f"/policies/{policy.id}/edit"
    page = await viewer.get(path)
    call = {"try:tool": "charge", "try:arguments": "{}"}
    assert "<h1>Try payments</h1>" in page.text
    assert "nothing lists it" in (await press(viewer, page, path, "try", **call)).text
    assert "Look at the changes and save" not in page.text
    assert (await press(viewer, page, path, "save", default="allow")).status == 403
    for post in ("rollback", "name", "remove"):
        assert (await viewer.post(f"/policies/{policy.id}/{post}", {})).status == 403
    assert (await viewer.get("/policies/new")).status == 403
    assert (await viewer.post("/policies/new", {"do": "save"})).status == 403
    assert policies.get(control.engine, policy.id).revision == 1


async def test_strangers_and_forged_forms_change_nothing(control: Control) -> None:
    policy, _ = stock(control)
    stranger = await control.browser()
    assert (await stranger.get(f"/policies/{policy.id}")).status == 303
    assert (await stranger.get("/policies.json")).status == 401
    manager = await control.signed_in("policy_manager")
    form = {"csrf": "forged", "name": "other"}
    assert (await manager.post(f"/policies/{policy.id}/name", form)).status == 403
    assert policies.get(control.engine, policy.id).name == "payments"


async def test_an_unknown_policy_is_not_found(control: Control) -> None:
    manager = await control.signed_in("policy_manager")
    for path in ("", "/edit", "/remove", ".json"):
        assert (await manager.get(f"/policies/00000000-0000-4000-8000-00000000000f{path}")).status == 404


async def test_revisions_are_compared_and_rolled_back(control: Control) -> None:
    policy, _ = stock(control)
    policies.put(control.engine, "bob", "payments", LIVE.replace("deny", "allow"))
    manager = await control.signed_in("policy_manager")
    shown = (await manager.get(f"/policies/{policy.id}.json")).json
    assert [row["revision"] for row in shown["revisions"]] == [2, 1]
    assert shown["compared"]["lines"][1] == ["-", '  "version": "1", "default": "deny",']
    same = (await manager.get(f"/policies/{policy.id}.json?before=1&after=1")).json["compared"]
    assert (same["before"], same["lines"]) == (1, [])
    assert (await manager.get(f"/policies/{policy.id}?before=x")).status == 422
    stale = await manager.post(f"/policies/{policy.id}/rollback", {"revision": "1", "current": "1"})
    assert stale.status == 422
    assert (await manager.post(f"/policies/{policy.id}/rollback", {"revision": "1", "current": "2"})).status == 303
    after = policies.get(control.engine, policy.id)
    assert (after.revision, after.document) == (3, LIVE)


async def test_a_policy_is_renamed_and_removed_once_no_grant_needs_it(control: Control) -> None:
    policy, _ = stock(control)
    policies.put(control.engine, "ann", "taken", LIVE)
    manager = await control.signed_in("policy_manager")
    refused = await manager.post(f"/policies/{policy.id}/name", {"name": "taken"})
    assert refused.status == 422
    assert "there is a policy named" in refused.text
    assert (await manager.post(f"/policies/{policy.id}/name", {"name": "shop"})).status == 303
    refused = await manager.post(f"/policies/{policy.id}/remove", {})
    assert refused.status == 422
    assert "is the policy of 1 living grant" in refused.text
    for grant in grants.every(control.engine, 0.0):
        grants.revoke(control.engine, "test", grant.id)
    assert (await manager.get(f"/policies/{policy.id}/remove")).status == 200
    assert (await manager.post(f"/policies/{policy.id}/remove", {})).status == 303
    assert "The policy is removed" in (await manager.get("/policies?done=removed")).text


async def test_a_call_is_tried_as_a_grant_would_make_it(control: Control) -> None:
    policy, _ = stock(control)
    document = {
        "version": "1",
        "default": "deny",
        "tools": {"list": {"require": [{"conditions": [{"path": "grant.labels.team", "op": "eq", "value": "a"}]}]}},
    }
    policies.put(control.engine, "ann", "payments", json.dumps(document))
    viewer = await control.signed_in("viewer")
    path = f"/policies/{policy.id}/edit"
    page = await viewer.get(path)
    grant = grants.every(control.engine, 0.0)[0]
    allowed = await press(viewer, page, path, "try", **{"try:tool": "list", "try:grant": grant.id, "try:arguments": ""})
    assert "argument" not in allowed.text.partition('id="try-result"')[2].partition("</section>")[0]
    assert "<code>grant.labels.team</code> is &#34;a&#34;" in allowed.text
    typed = {"try:tool": "list", "try:labels": "team=b", "try:arguments": "[]"}
    assert "the arguments are no JSON object" in (await press(viewer, page, path, "try", **typed)).text
    denied = await press(viewer, page, path, "try", **{**typed, "try:arguments": "{}"})
    assert "[POLICY DENIED]" in denied.text


async def test_a_program_edits_a_draft_without_storing_anything(control: Control) -> None:
    _, server = stock(control)
    viewer = await control.signed_in("viewer")
    asked = {"draft": LIVE, "server": server, "fields": {"do": "apply", "stance:delete": "hide"}}
    answer = (await viewer.send("POST", "/policies/draft.json", asked)).json
    assert json.loads(answer["document"])["hide"] == ["delete"]
    assert [row["risk"] for row in answer["form"]["tools"]] == ["Critical", "Critical", "Low"]
    assert ["+", '  "tools": {"list": {}},'] in answer["lines"]
    assert (answer["valid"], answer["problems"]) == (True, [])
    broken = (await viewer.send("POST", "/policies/draft.json", {"draft": "{", "fields": {}})).json
    assert broken["problems"][0]["cause"].startswith("line 1, column 2")
    assert (await viewer.send("POST", "/policies/draft.json", {"draft": 1})).status == 422
    assert (await (await control.browser()).send("POST", "/policies/draft.json", asked)).status == 401


async def test_a_new_policy_does_not_take_the_name_of_another(control: Control) -> None:
    stock(control)
    manager = await control.signed_in("policy_manager")
    page = await manager.get("/policies/new")
    for name in ("payments", "", "a b"):
        refused = await press(manager, page, "/policies/new", "save", name=name)
        assert refused.status == 422
        assert 'id="name-wrong"' in refused.text
    assert len(policies.every(control.engine)) == 1
