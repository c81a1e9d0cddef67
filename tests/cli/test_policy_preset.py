"""`toolgate policy preset` prints documents that the other commands take."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Peer, Toolgate
from tests.policy.presets.playing import BANK, MAIL, Tools

FREEZE = ("freeze", "--from", "2026-12-24T18:00:00Z", "--to", "2027-01-02T06:00:00Z")


@pytest.fixture
def tools(tmp_path: Path) -> str:
    return written(tmp_path / "tools.jsonl", [*MAIL, *BANK])


def written(file: Path, tools: Tools) -> str:
    file.write_text("".join(f"{json.dumps(tool)}\n" for tool in tools))
    return str(file)


def test_presets_are_listed_with_what_they_take(toolgate: Toolgate) -> None:
    listed = {preset["name"]: preset for preset in toolgate("policy", "preset", "--list", "--json").json}
    assert list(listed) == ["lethal-trifecta", "read-only", "freeze", "money-cap", "loop-breaker"]
    assert [option["name"] for option in listed["freeze"]["options"]] == ["from", "to"]
    assert "--daily --counter" in toolgate("policy", "preset", "--list").out
    assert "no preset is named" in toolgate("policy", "preset", code=2).err


@pytest.mark.parametrize(
    "preset",
    [
        ("lethal-trifecta", "--within", "2h"),
        ("read-only",),
        FREEZE,
        ("money-cap", "--daily", "99.5"),
        ("loop-breaker",),
    ],
    ids=lambda preset: preset[0],
)
def test_what_is_printed_is_a_policy_without_warnings(
    toolgate: Toolgate, tools: str, tmp_path: Path, preset: tuple[str, ...]
) -> None:
    file = tmp_path / "made.json"
    file.write_text(toolgate("policy", "preset", *preset, "--tools", tools).out)
    assert "valid, 0 findings" in toolgate("policy", "check", str(file)).out
    made = toolgate("policy", "preset", *preset, "--tools", tools, "--json").json
    assert (made["preset"], made["document"]) == (preset[0], json.loads(file.read_text()))


def test_a_preset_is_made_for_the_tools_of_a_server_as_they_are_judged_there(
    toolgate: Toolgate, peer: Peer, tmp_path: Path
) -> None:
    toolgate("server", "add", "cargo", "--url", peer.url)
    toolgate("server", "judge", "cargo", "run=Read")
    made = toolgate("policy", "preset", "read-only", "--server", "cargo", "--json").json["document"]
    assert "run" in made["tools"]
    file = tmp_path / "made.json"
    file.write_text(json.dumps(made))
    assert "valid, 0 findings" in toolgate("policy", "check", str(file), "--server", "cargo").out


def test_what_a_given_document_says_keeps_its_bytes(toolgate: Toolgate, tmp_path: Path) -> None:
    file = tmp_path / "ours.json"
    text = '{"version": "1",\n\n  "default": "deny", "tools": {"r\\u0075n" :{}, "pay": {"rate_limit":"5/minute"}}}\n'
    file.write_text(text)
    made = toolgate("policy", "preset", *FREEZE, "--onto", str(file)).out
    assert made.startswith(text[:-2])
    assert json.loads(made)["all_tools"]["deny_if"]
    assert file.read_text() == text


def test_what_a_person_should_know_is_said_apart_from_the_document(toolgate: Toolgate, tools: str) -> None:
    done = toolgate("policy", "preset", "money-cap", "--daily", "100", "--tools", tools)
    json.loads(done.out)
    assert "`pay_invoice`" in done.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("unlethal",), "error: NAME: there is no preset `unlethal`"),
        (("freeze",), "error: --from: `freeze` needs it"),
        (("read-only", "--daily", "5"), "error: --daily: is no option of `read-only`"),
        (("money-cap", "--daily", "5"), "error: --server: `money-cap` is made from the tools of a server"),
        (("loop-breaker", "--max", "0"), "error: --max: `0` is no number from 1 to 10000"),
        (("read-only", "--tools", "missing.jsonl"), "error: missing.jsonl: cannot be read"),
        (("read-only", "--onto", "missing.json"), "error: missing.json: cannot be read"),
    ],
)
def test_what_cannot_be_made_is_told_with_its_place(toolgate: Toolgate, words: tuple[str, ...], said: str) -> None:
    assert said in toolgate("policy", "preset", *words, code=2).err


def test_tools_of_two_servers_and_lines_that_are_none_are_refused(toolgate: Toolgate, tmp_path: Path) -> None:
    mixed: list[dict[str, Any]] = [{**MAIL[0], "server": "one"}, {**MAIL[1], "server": "two"}]
    file = written(tmp_path / "mixed.jsonl", mixed)
    assert "holds tools of several servers" in toolgate("policy", "preset", "read-only", "--tools", file, code=2).err
    broken = tmp_path / "broken.jsonl"
    broken.write_text("{}\n")
    assert "has no name" in toolgate("policy", "preset", "read-only", "--tools", str(broken), code=2).err


def test_a_given_document_that_is_no_policy_is_refused(toolgate: Toolgate, tmp_path: Path) -> None:
    file = tmp_path / "ours.json"
    file.write_text('{"version": "1"}')
    assert "the key `default` is missing" in toolgate("policy", "preset", *FREEZE, "--onto", str(file), code=2).err
