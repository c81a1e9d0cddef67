from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from tests.cli.conftest import POLICY, Peer, Toolgate

LOOSE = {
    "version": "1",
    "default": "deny",
    "tools": {"run": {"require": [{"conditions": [{"path": "args.profile", "op": "regex", "value": "dev"}]}]}},
}


def cases(want: str) -> str:
    case = {"note": "runs", "tool": "run", "arguments": {}, "want": {"outcome": want}}
    return json.dumps({"policy": "policy.json", "cases": [case]})


def test_adding_makes_revisions_and_the_same_text_makes_none(toolgate: Toolgate, policy_file: Path) -> None:
    first = toolgate("policy", "add", "careful", str(policy_file), "--json").json
    assert (first["name"], first["revision"], first["findings"]) == ("careful", 1, [])
    assert toolgate("policy", "add", "careful", str(policy_file), "--json").json["revision"] == 1
    policy_file.write_text(POLICY + "\n")
    second = toolgate("policy", "add", "careful", str(policy_file), "--json").json
    assert (second["id"], second["revision"]) == (first["id"], 2)


def test_a_document_that_is_not_valid_is_reported_whole_and_not_stored(toolgate: Toolgate, policy_file: Path) -> None:
    policy_file.write_text('{"version": "2", "default": "maybe"}')
    done = toolgate("policy", "add", "careful", str(policy_file), code=2)
    assert "error: /version: " in done.err
    assert "error: /default: " in done.err
    assert toolgate("policy", "list", "--json").json == []


def test_findings_are_printed_and_do_not_hinder(toolgate: Toolgate, policy_file: Path) -> None:
    policy_file.write_text(json.dumps(LOOSE))
    done = toolgate("policy", "add", "careful", str(policy_file))
    assert "careful is at revision 1" in done.out
    assert "[unanchored-regex]" in done.out


def test_the_tools_of_a_server_are_looked_at_when_it_is_named(
    toolgate: Toolgate, policy_file: Path, peer: Peer
) -> None:
    toolgate("server", "add", "cargo", "--url", peer.url)
    policy_file.write_text('{"version": "1", "default": "deny", "tools": {"runn": {}}}')
    assert toolgate("policy", "add", "careful", str(policy_file), "--json").json["findings"] == []
    added = toolgate("policy", "add", "careful", str(policy_file), "--server", "cargo", "--json").json
    assert [finding["pointer"] for finding in added["findings"]] == ["/tools/runn"]
    assert "/tools/runn" in toolgate("policy", "check", str(policy_file), "--server", "cargo", code=1).out
    assert "no server `crm`" in toolgate("policy", "check", str(policy_file), "--server", "crm", code=2).err


def test_check_answers_by_its_exit_code(toolgate: Toolgate, policy_file: Path, data: Path) -> None:
    assert "valid, 0 findings" in toolgate("policy", "check", str(policy_file)).out
    assert not data.exists()
    policy_file.write_text(json.dumps(LOOSE))
    assert "valid, 1 finding\n" in toolgate("policy", "check", str(policy_file), code=1).out
    policy_file.write_text("{")
    assert "not valid" in toolgate("policy", "check", str(policy_file), code=1).out
    report = toolgate("policy", "check", str(policy_file), "--json", code=1).json
    assert report["valid"] is False
    assert report["problems"][0]["pointer"] == ""


def test_the_cases_of_a_file_pass_or_fail(toolgate: Toolgate, policy_file: Path) -> None:
    file = policy_file.parent / "cases.json"
    file.write_text(cases("allow"))
    assert "1 of 1 case passed" in toolgate("policy", "test", str(file)).out
    assert toolgate("policy", "test", str(file), "--json").json["passed"] is True
    file.write_text(cases("deny"))
    failed = toolgate("policy", "test", str(file), code=1).out
    assert "failed: runs" in failed
    assert "wanted `deny`" in failed
    assert toolgate("policy", "test", str(file), "--json", code=1).json["results"][0]["passed"] is False


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"policy": "nowhere.json", "cases": []}', '{"policy": {}, "cases": []}']
)
def test_a_file_of_cases_that_cannot_be_run_is_bad_input(toolgate: Toolgate, tmp_path: Path, text: str) -> None:
    file = tmp_path / "cases.json"
    file.write_text(text)
    assert "error: " in toolgate("policy", "test", str(file), code=2).err


def test_list_and_show_say_what_is_stored(toolgate: Toolgate, policy_file: Path) -> None:
    toolgate("policy", "add", "careful", str(policy_file))
    listed = toolgate("policy", "list").out.splitlines()
    assert listed[0].split() == ["NAME", "REVISION", "GRANTS", "AUTHOR", "SINCE"]
    assert listed[1].split()[:3] == ["careful", "1", "0"]
    assert toolgate("policy", "show", "careful").out == POLICY + "\n"
    policy_file.write_text('{"version": "1", "default": "allow"}\n')
    toolgate("policy", "add", "careful", str(policy_file))
    assert toolgate("policy", "show", "careful").out == '{"version": "1", "default": "allow"}\n'
    assert toolgate("policy", "show", "careful", "--revision", "1").out == POLICY + "\n"
    shown = toolgate("policy", "show", "careful", "--json").json
    assert [past["revision"] for past in shown["history"]] == [2, 1]
    assert "no revision 3" in toolgate("policy", "show", "careful", "--revision", "3", code=2).err


@pytest.mark.parametrize("command", [["add", "careful"], ["check"], ["test"]])
def test_files_that_cannot_be_read_are_named(toolgate: Toolgate, tmp_path: Path, command: list[str]) -> None:
    assert "/nowhere: cannot be read" in toolgate("policy", *command, "/nowhere", code=2).err
    assert "cannot be read" in toolgate("policy", *command, str(tmp_path), code=2).err
    (tmp_path / "latin").write_bytes(b'{"version": "\xe9"}')
    assert "is not UTF-8" in toolgate("policy", *command, str(tmp_path / "latin"), code=2).err
    os.truncate(tmp_path / "latin", 9 * 1024 * 1024)
    assert "is larger than" in toolgate("policy", *command, str(tmp_path / "latin"), code=2).err


def test_a_policy_is_removed_once_no_living_grant_is_under_it(toolgate: Toolgate, policy_file: Path) -> None:
    toolgate("policy", "add", "careful", str(policy_file))
    toolgate("server", "add", "cargo", "--url", "http://127.0.0.1:9/mcp")
    toolgate("grant", "add", "--server", "cargo", "--policy", "careful", "--label", "ci")
    assert "`careful` is the policy of 1 living grant" in toolgate("policy", "remove", "careful", code=2).err
    toolgate("grant", "revoke", "ci")
    assert toolgate("policy", "remove", "careful").out == "removed careful\n"
    assert toolgate("policy", "list", "--json").json == []
    assert "there is no policy `careful`" in toolgate("policy", "remove", "careful", code=2).err
    assert toolgate("policy", "add", "careful", str(policy_file), "--json").json["revision"] == 1
