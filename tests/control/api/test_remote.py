"""What the command line's remote mode gets of the API is what its local mode gets of the data directory."""

from __future__ import annotations

import asyncio
import json
from contextlib import closing

import pytest
from tests.control.api.asking import OPEN_POLICY, POLICY
from tests.control.inbox.desk import waits
from tests.control.running import Control

from toolgate.cli.administration import Contradicted, GrantTerms
from toolgate.cli.exchange import Exchange
from toolgate.cli.remote import Remote
from toolgate.errors import ToolgateError
from toolgate.store import definitions, described, grants, policies, servers, tokens
from toolgate.store.definitions import Seen
from toolgate.store.errors import NotStored
from toolgate.store.servers import Reach, Registration

pytestmark = pytest.mark.slow

NOWHERE = "http://127.0.0.1:9/mcp"


@pytest.mark.usefixtures("capsys")
async def test_servers_are_administered_from_elsewhere(control: Control) -> None:
    with closing(Exchange(control.url, control.token())) as api:
        await asyncio.to_thread(_servers, control, Remote(api))


def _servers(control: Control, remote: Remote) -> None:
    made = remote.add_server("crm", Registration(url=NOWHERE, pin=True))
    stored = servers.get(control.engine, "crm")
    shown = described.server(stored, control.state.proxy_url(stored.id))
    assert made == {**shown, "reachable": False}
    assert remote.servers() == [remote.server("crm")] == [shown]
    changed = remote.change_server(stored.id, Registration(url=NOWHERE, reach=Reach(allow_private=True)), [])
    assert (changed["allow_private"], changed["pin"]) == (True, False)
    assert remote.refresh_tools("crm") is False
    definitions.saw(control.engine, "test", "crm", [Seen("add", "a" * 64, '{"name": "add"}')])
    assert [tool["name"] for tool in remote.tools("crm")] == ["add"]
    remote.change_server(stored.id, Registration(url=NOWHERE, reach=Reach(allow_private=True), pin=True), [])
    definitions.saw(control.engine, "test", "crm", [Seen("add", "b" * 64, '{"name": "add", "title": "x"}')])
    [change] = remote.tool_changes("crm")
    assert (change["before"], change["after"], len(change["differences"])) == ("a" * 64, "b" * 64, 1)
    with pytest.raises(Contradicted):
        remote.accept_versions("crm", ["c" * 64])
    remote.accept_versions("crm", ["b" * 64])
    assert remote.tool_changes("crm") == []
    assert remote.stop_server("crm", "")["stopped"]["reason"] == ""
    assert remote.resume_server("crm")["stopped"] is None
    assert remote.remove_server("crm") == {"id": stored.id, "name": "crm", "revoked": []}
    with pytest.raises(NotStored):
        remote.server("crm")


async def test_policies_and_grants_are_administered_from_elsewhere(control: Control) -> None:
    with closing(Exchange(control.url, control.token())) as api:
        await asyncio.to_thread(_policies, control, Remote(api))
        await asyncio.to_thread(_grants, control, Remote(api))


def _policies(control: Control, remote: Remote) -> None:
    first = remote.put_policy("careful", POLICY)
    second = remote.put_policy("careful", OPEN_POLICY)
    assert (first["revision"], second["revision"]) == (1, 2)
    assert remote.policies() == [second] == [described.policy(policies.get(control.engine, "careful"))]
    shown = remote.policy("careful", 1)
    assert shown["document"] == POLICY
    assert [row["revision"] for row in shown["history"]] == [2, 1]
    with pytest.raises(ToolgateError, match="version"):
        remote.put_policy("careful", "{}")


def _grants(control: Control, remote: Remote) -> None:
    servers.add(control.engine, "test", "crm", NOWHERE)
    terms = GrantTerms("crm", "ci", "careful", "", {"a": "b"}, None, {"iss": "https://login.example", "sub": "ada"})
    minted = remote.add_grant(terms)
    stored = described.grant(grants.get(control.engine, "ci", 0.0))
    url = control.state.proxy_url(stored["server_id"])
    assert minted == {**stored, "token": minted["token"], "proxy_url": url}
    assert remote.grants("crm") == remote.grants(None) == [stored]
    assert remote.claim_grant("ci", {})["claims"] == {}
    assert remote.rotate_grant("ci")["token"] != minted["token"]
    assert remote.attach_grant("ci", "careful")["policy"] == "careful"
    assert remote.stop_grant("ci", "Wait.")["stopped"]["reason"] == "Wait."
    assert remote.resume_grant("ci")["state"] == "active"
    assert remote.revoke_grant("ci")["state"] == "revoked"
    with pytest.raises(Contradicted):
        remote.attach_grant(stored["id"], "careful")


async def test_calls_are_decided_on_from_elsewhere(control: Control) -> None:
    approval = waits(control.state, '{"amount": 12.50}')
    token = tokens.add(control.engine, "boss", "approver", "viewer", approver=("*",)).secret
    with closing(Exchange(control.url, token)) as api:
        await asyncio.to_thread(_decide, approval.id, Remote(api))


def _decide(approval_id: str, remote: Remote) -> None:
    assert [row["id"] for row in remote.approvals("pending")] == [approval_id]
    text = remote.approval(approval_id[4:9])
    assert "12.50" in text
    assert json.loads(text)["policy"] == "asking"
    assert remote.decide(approval_id[:8], "approved", "ticket 812")["state"] == "approved"
    with pytest.raises(Contradicted):
        remote.decide(approval_id, "denied", "")
