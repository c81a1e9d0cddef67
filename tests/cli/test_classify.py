from __future__ import annotations

import gzip
import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Done, Toolgate

from toolgate.cli import definition_lines
from toolgate.policy.document import parse


def line(name: str, server: str = "acme/notes", **more: object) -> str:
    return json.dumps({"server": server, "title": name, "description": "", **more}) + "\n"


def answers(done: Done) -> list[dict[str, Any]]:
    return [json.loads(each) for each in done.out.splitlines()]


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    file = tmp_path / "tools.jsonl"
    schema = {"type": "object", "properties": {"path": {"type": "string"}}}
    file.write_text(line("get_note") + line("delete_note", inputSchema=schema) + line("pay_invoice", "acme/bank"))
    return file


def test_each_line_is_answered_with_category_reasons_and_a_valid_policy(toolgate: Toolgate, tools: Path) -> None:
    found = answers(toolgate("classify", str(tools)))
    assert [(each["server"], each["tool"], each["category"], each["risk"]) for each in found] == [
        ("acme/notes", "get_note", "Read", "Low"),
        ("acme/notes", "delete_note", "Destructive", "Critical"),
        ("acme/bank", "pay_invoice", "Financial", "Critical"),
    ]
    assert found[1]["evidence"] == ["name part `delete`"]
    assert found[1]["signals"] == ["Accepts file system path (path)"]
    assert {each["confidence"] for each in found} <= {"high", "medium", "low"}
    for each in found:
        assert parse(json.dumps(each["recommended_policy"])).raw == each["recommended_policy"]
    assert found[1]["recommended_policy"]["hide"] == ["delete_note"]


def test_a_gzipped_file_is_read_like_any_other(toolgate: Toolgate, tools: Path) -> None:
    packed = tools.with_suffix(".jsonl.gz")
    packed.write_bytes(gzip.compress(tools.read_bytes()))
    assert toolgate("classify", str(packed)).out == toolgate("classify", str(tools)).out


def test_standard_input_is_read_where_no_file_is_named(
    toolgate: Toolgate, tools: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for given in ([], ["-"]):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(tools.read_bytes())))
        assert len(answers(toolgate("classify", *given))) == 3


def test_bad_lines_are_named_and_the_others_go_on(
    toolgate: Toolgate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(definition_lines, "LONGEST", 300)
    file = tmp_path / "tools.jsonl"
    bad = ["{not json\n", "[]\n", '{"title": 5}\n', '{"name": "' + "x" * 2_000 + '"}\n', "\xff\n"]
    file.write_text("\n".join([line("get_note"), *bad, line("add_note")]), encoding="latin-1")
    done = toolgate("classify", str(file), code=2)
    assert [each["tool"] for each in answers(done)] == ["get_note", "add_note"]
    told = [each for each in done.err.splitlines() if each.startswith("error: ")]
    assert [each.partition(", ")[2] for each in told] == [
        "line 3: is not JSON",
        "line 5: is not an object",
        "line 7: has no name",
        "line 9: is longer than 300 bytes",
        "line 11: is not JSON",
    ]


def test_deep_nesting_ends_in_an_error_of_its_line(toolgate: Toolgate, tmp_path: Path) -> None:
    file = tmp_path / "tools.jsonl"
    file.write_text('{"name": "a", "inputSchema": ' + "[" * 200_000 + "\n" + line("get_note"))
    done = toolgate("classify", str(file), code=2)
    assert "line 1: is nested too deeply" in done.err
    assert [each["tool"] for each in answers(done)] == ["get_note"]


def test_a_file_that_cannot_be_read_is_an_error(toolgate: Toolgate, tmp_path: Path) -> None:
    assert "cannot be read" in toolgate("classify", str(tmp_path / "none.jsonl"), code=2).err
    torn = tmp_path / "torn.jsonl.gz"
    torn.write_bytes(gzip.compress(line("get_note").encode() * 200)[:60])
    assert "cannot be read to its end" in toolgate("classify", str(torn), code=2).err


def test_tools_that_stand_together_are_judged_together(toolgate: Toolgate, tmp_path: Path) -> None:
    file = tmp_path / "tools.jsonl"
    told = [line(f"frob_{each}", description="Shows it.") for each in ("one", "two", "three")]
    file.write_text("".join([*told, line("frob_four"), line("frob_four", "other/server")]))
    assert [each["category"] for each in answers(toolgate("classify", str(file)))[3:]] == ["Read", "Execute"]


def test_a_lexicon_of_ones_own_adds_and_overrides(toolgate: Toolgate, tools: Path, tmp_path: Path) -> None:
    words = tmp_path / "ours.toml"
    words.write_text('[verbs.Destructive]\nget = "get_note"\n')
    assert answers(toolgate("classify", str(tools), "--lexicon", str(words)))[0]["category"] == "Destructive"
    words.write_text('[verbs.Harmless]\nget = "get_note"\n')
    refused = toolgate("classify", str(tools), "--lexicon", str(words), code=2).err
    assert "[verbs.Harmless]" in refused
    assert "is no table of a lexicon" in refused


def test_people_get_a_table(toolgate: Toolgate, tools: Path) -> None:
    rows = [each.split() for each in toolgate("classify", str(tools), "--table").out.splitlines()]
    assert rows[0] == ["SERVER", "TOOL", "CATEGORY", "RISK", "CONFIDENCE", "SIGNALS"]
    assert rows[3][:4] == ["acme/bank", "pay_invoice", "Financial", "Critical"]


def test_nothing_of_a_name_reaches_the_terminal_raw(toolgate: Toolgate, tmp_path: Path) -> None:
    file = tmp_path / "tools.jsonl"
    file.write_text(line("get_\x1b[31mnote\ud800"))
    assert "\x1b" not in toolgate("classify", str(file)).out
    assert "\x1b" not in toolgate("classify", str(file), "--table").out
