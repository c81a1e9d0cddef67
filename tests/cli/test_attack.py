"""`toolgate attack` as a person types it."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from .conftest import Toolgate


def test_the_list_says_what_a_gateway_can_do(toolgate: Toolgate) -> None:
    listed = toolgate("attack", "list", "--json").json
    assert len(listed) >= 60
    assert {each["verdict"] for each in listed} == {"STOP", "BOUND", "PART", "NO"}
    assert "path-prefix-bypass" in toolgate("attack", "list").out
    assert "path-prefix-bypass" not in toolgate("attack", "list", "--verdict", "NO").out
    assert "is no kind" in toolgate("attack", "list", "--kind", "magic", code=2).err


def test_an_attack_is_shown_with_both_policies_and_its_sources(toolgate: Toolgate) -> None:
    shown = toolgate("attack", "show", "22").out
    assert "path_under" in shown
    assert "starts_with" in shown
    assert "https://" in shown
    assert "\nWHAT HAPPENS\n" in shown
    assert toolgate("attack", "show", "22", "--json").json["slug"] == "path-prefix-bypass"
    assert "there is no such attack" in toolgate("attack", "show", "magic", code=2).err


@pytest.mark.slow
def test_attacks_are_played_and_reported(toolgate: Toolgate, tmp_path: Path) -> None:
    junit, badge = tmp_path / "reports" / "attacks.xml", tmp_path / "attacks.svg"
    done = toolgate.spawn("attack", "run", "22", "batches", "--junit", str(junit), "--badge", str(badge))
    assert "2 of 2 attacks are as documented" in done.out
    assert ElementTree.parse(junit).getroot().get("failures") == "0"
    assert "2 of 2 as documented" in badge.read_text()


@pytest.mark.slow
def test_a_policy_that_lets_an_attack_through_fails_the_command(toolgate: Toolgate, tmp_path: Path) -> None:
    policy = tmp_path / "policy.json"
    policy.write_text(json.dumps({"version": "1", "default": "deny", "tools": {"read_file": {}}}))
    done = toolgate.spawn("attack", "run", "22", "--policy", str(policy), "--json", code=1)
    [tried] = done.json
    assert (tried["slug"], tried["outcome"]) == ("path-prefix-bypass", "passes")


def test_what_contradicts_itself_is_refused_before_anything_runs(toolgate: Toolgate, tmp_path: Path) -> None:
    policy = tmp_path / "policy.json"
    policy.write_text('{"version": "1", "default": "deny"}')
    file = str(policy)
    assert "only an own policy" in toolgate("attack", "run", "--server", "x", code=2).err
    assert (
        "give one of them" in toolgate("attack", "run", "--policy", file, "--server", "x", "--tools", "y", code=2).err
    )
    assert "is no tool of that server" in toolgate("attack", "run", "--policy", file, "--map", "a=b", code=2).err
    assert "cannot be read" in toolgate("attack", "run", "--policy", str(tmp_path / "gone.json"), code=2).err
    policy.write_text('{"version": "1"}')
    assert "default" in toolgate("attack", "run", "--policy", file, code=2).err
