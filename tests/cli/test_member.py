from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from tests.cli.conftest import Toolgate

pytestmark = pytest.mark.slow


def invite(toolgate: Toolgate, email: str, role: str = "viewer", *more: str) -> dict[str, str]:
    made = toolgate("member", "add", email, "--role", role, *more, "--json").json
    assert isinstance(made, dict)
    return made


def test_an_invitation_comes_with_its_link_once(toolgate: Toolgate, data: Path) -> None:
    made = invite(toolgate, "Ada@Example.com", "admin", "--approver", "*", "--name", "Ada")
    assert made["link"].startswith("http://127.0.0.1:8485/welcome/")
    [listed] = toolgate("member", "list", "--json").json
    assert listed == {key: value for key, value in made.items() if key != "link"}
    shown = [listed[key] for key in ("email", "name", "role", "approver", "state")]
    assert shown == ["ada@example.com", "Ada", "admin", "*", "invited"]
    secret = made["link"].rpartition("/")[2].encode()
    assert not any(secret in file.read_bytes() for file in data.rglob("*") if file.is_file())
    assert "/welcome/" in toolgate("member", "reset", "ada@example.com").out


def test_what_is_not_named_stays(toolgate: Toolgate) -> None:
    toolgate("server", "add", "cargo", "--url", "http://127.0.0.1:9/mcp")
    invite(toolgate, "ada@example.com", "policy_manager", "--approver", "cargo", "--name", "Ada")
    changed = toolgate("member", "change", "ada@example.com", "--role", "viewer", "--json").json
    assert (changed["name"], changed["role"], len(changed["approver"])) == ("Ada", "viewer", 1)
    changed = toolgate("member", "change", "ada@example.com", "--no-approver", "--json").json
    assert (changed["role"], changed["approver"]) == ("viewer", [])
    assert "ada@example.com is disabled" in toolgate("member", "disable", "ada@example.com").out
    assert "ada@example.com is enabled" in toolgate("member", "enable", "ada@example.com").out
    assert "signed out of 0" in toolgate("member", "sign-out", "ada@example.com").out
    assert "removed ada@example.com" in toolgate("member", "remove", "ada@example.com").out
    assert "no members yet" in toolgate("member", "list").err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["ada", "--role", "viewer"], "error: email: `ada` is not an e-mail"),
        (["ada@ex\u0430mple.com", "--role", "viewer"], "is not an e-mail"),
        (["ada@example.com", "--role", "root"], "error: role: `root` is not a role"),
        (["ada@example.com", "--role", "viewer", "--approver", "cargo"], "there is no server `cargo`"),
        (["ada@example.com", "--role", "viewer", "--organisation", "acme"], "there is no organisation `acme`"),
        (["known@example.com", "--role", "admin"], "is a member already"),
        (["KNOWN@example.com", "--role", "admin"], "is a member already"),
    ],
)
def test_bad_input_is_named_and_invites_nobody(toolgate: Toolgate, arguments: list[str], said: str) -> None:
    invite(toolgate, "known@example.com")
    assert said in toolgate("member", "add", *arguments, code=2).err
    assert len(toolgate("member", "list", "--json").json) == 1


def test_the_last_admin_who_can_sign_in_stays_one(toolgate: Toolgate, data: Path) -> None:
    invite(toolgate, "ada@example.com", "admin")
    invite(toolgate, "bob@example.com", "admin")
    with sqlite3.connect(data / "toolgate.db") as database:
        database.execute("UPDATE members SET password = 'hash' WHERE email = 'ada@example.com'")
    database.close()
    for command in (["change", "--role", "viewer"], ["disable"], ["remove"]):
        refused = toolgate("member", command[0], "ada@example.com", *command[1:], code=2)
        assert "is the last admin who can sign in" in refused.err
    assert "bob@example.com is disabled" in toolgate("member", "disable", "bob@example.com").out


def test_an_api_token_is_shown_once_and_revoked_for_good(toolgate: Toolgate) -> None:
    made = toolgate("token", "add", "deploy", "--role", "policy_manager", "--expires", "90d", "--json").json
    assert made["token"].startswith("tgt_")
    [listed] = toolgate("token", "list", "--json").json
    assert listed == {key: value for key, value in made.items() if key != "token"}
    assert (
        "there is an API token `deploy` already" in toolgate("token", "add", "deploy", "--role", "viewer", code=2).err
    )
    assert "revoked deploy" in toolgate("token", "revoke", "deploy").out
    again = toolgate("token", "add", "deploy", "--role", "viewer", "--json").json
    assert toolgate("token", "revoke", made["id"], "--json").json["state"] == "revoked"
    states = {row["id"]: row["state"] for row in toolgate("token", "list", "--json").json}
    assert states == {made["id"]: "revoked", again["id"]: "active"}
    assert "there is no API token `other`" in toolgate("token", "revoke", "other", code=2).err


def test_members_of_one_organisation_are_not_those_of_another(toolgate: Toolgate) -> None:
    toolgate("organisation", "add", "acme")
    assert "already" in toolgate("organisation", "add", "acme", code=2).err
    invite(toolgate, "ada@acme.example", "admin", "--organisation", "acme")
    assert toolgate("member", "list", "--json").json == []
    assert "there is no member" in toolgate("member", "remove", "ada@acme.example", code=2).err
    [listed] = toolgate("member", "list", "--organisation", "acme", "--json").json
    assert listed["email"] == "ada@acme.example"
    names = [(row["name"], row["members"]) for row in toolgate("organisation", "list", "--json").json]
    assert names[1:] == [("acme", 1)]
    assert names[0][1] == 0
