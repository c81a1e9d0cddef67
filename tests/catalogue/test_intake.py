"""Definitions of strangers: each is stored as data or refused by name, in bounded time and memory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.catalogue.samples import NOW, catalogue, tool

from toolgate.catalogue import intake
from toolgate.catalogue.entries import ServerFacts
from toolgate.catalogue.intake import accept
from toolgate.policy.definition import fingerprint
from toolgate.protocol.json_rules import parse
from toolgate.protocol.strict_json import read
from toolgate.store.errors import BadInput


def nested(levels: int) -> dict[str, Any]:
    """A schema of so many levels."""
    schema: dict[str, Any] = {}
    for _ in range(levels):
        schema = {"properties": {"a": schema}}
    return schema


@pytest.mark.parametrize(
    ("definition", "cause"),
    [
        ({}, "its name is no text"),
        ({"name": ""}, "its name is no text"),
        ({"name": 7}, "its name is no text"),
        ({"name": "x" * 513}, "its name is no text"),
        ({"name": "\ud800"}, "cannot be written as JSON"),
        ({"name": "a", "description": "\udfff"}, "cannot be written as JSON"),
        ({"name": "a", "inputSchema": nested(5000)}, "nested deeper than 64"),
        ({"name": "a", "inputSchema": {1: 2}, "annotations": {"x": object()}}, "cannot be written as JSON"),
        ({"name": "a", "description": "x" * (1024 * 1024)}, "larger than 1048576 bytes"),
        ("no object", "no JSON object"),
        (None, "no JSON object"),
    ],
)
def test_what_cannot_be_stored_is_refused_by_name(definition: Any, cause: str) -> None:
    accepted, refused = accept([definition, tool("fine")])
    assert [each.name for each in accepted] == ["fine"]
    assert len(refused) == 1
    assert cause in refused[0].cause
    assert refused[0].name.isprintable()


def test_a_number_that_only_the_gateway_can_read_is_refused() -> None:
    text = b'{"name": "a", "inputSchema": {"maximum": 1e400}}'
    accepted, refused = accept([parse(text, "test")])  # type: ignore[list-item]
    assert accepted == []
    assert "beyond the range" in refused[0].cause


def test_of_two_tools_with_one_name_the_first_counts() -> None:
    accepted, refused = accept([tool("a", "First."), tool("a", "Second.")])
    assert [each.definition["description"] for each in accepted] == ["First."]
    assert "twice" in refused[0].cause


def test_a_server_lists_no_more_than_its_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "MOST_TOOLS", 3)
    accepted, refused = accept([tool(f"t{number}") for number in range(5)])
    assert (len(accepted), len(refused)) == (3, 2)
    monkeypatch.setattr(intake, "MOST_IN_ALL", 250)
    accepted, refused = accept([tool(f"t{number}", "x" * 100) for number in range(3)])
    assert (len(accepted), len(refused)) == (1, 2)


def test_a_fingerprint_is_the_same_wherever_a_definition_comes_from() -> None:
    text = b'{"name": "a", "inputSchema": {"maximum": 1.50, "minimum": 1e3, "default": 7}}'
    gateways: Any = read(text)
    (one,), _ = accept([gateways])
    assert one.fingerprint == fingerprint(gateways)
    assert '"maximum":1.50,"minimum":1e3,"default":7' in one.text
    (other,), _ = accept([json.loads(text.replace(b"1.50", b"1.5").replace(b"1e3", b"2.5"))])
    assert other.fingerprint == fingerprint(read(other.text.encode()))  # type: ignore[arg-type]


HOSTILE = [
    "<script>alert(1)</script>",
    "\u202egnp.exe",
    "a\x00b\x1b[2J",
    "'; DROP TABLE tools; --",
    "../../../etc/passwd",
    "{{7*7}}${7*7}",
    "😀" * 100,
    "天" * 512,
    "\n\n\n",
]


def test_hostile_names_and_texts_are_stored_as_they_are(tmp_path: Path) -> None:
    tools = [{"name": name, "description": name * 50, "inputSchema": {"properties": {name: {}}}} for name in HOSTILE]
    with catalogue(tmp_path) as opened:
        for name in HOSTILE:
            opened.put(ServerFacts(name, about=name), tools, source="import", now=NOW)
        for server in HOSTILE:
            entry = next(each for each in opened.all_servers() if each.name == server)
            stored = {each.name: each for each in opened.every_tool(entry.slug)}
            assert set(stored) == set(HOSTILE)
            assert all(stored[name].description == name * 50 for name in HOSTILE)
        assert opened.counts().servers == 4 + len(HOSTILE)


def test_a_long_description_and_an_odd_schema_are_data(tmp_path: Path) -> None:
    odd = {"name": "odd", "description": "word " * 12_000, "inputSchema": {"$ref": "file:///etc/passwd", "type": 7}}
    cycle = {"name": "cycle", "inputSchema": {"properties": {"a": {"$ref": "#"}}}, "annotations": "none", "x": "y"}
    with catalogue(tmp_path) as opened:
        drift = opened.put(ServerFacts("odd"), [odd, cycle], source="import", now=NOW)
        assert drift.added == ("cycle", "odd")
        stored = opened.tool("odd", "odd")
        assert stored is not None
        assert stored.definition == odd
        assert opened.tools(sought="word", server="odd").total == 1


def test_a_server_has_a_name_and_texts_of_bounded_length(tmp_path: Path) -> None:
    with catalogue(tmp_path) as opened:
        for name in ("", "x" * 513, "\ud800"):
            with pytest.raises(BadInput, match="not the name of a server"):
                opened.put(ServerFacts(name), [], source="import", now=NOW)
        opened.put(ServerFacts("long", about="x" * 100_000, title="a\udfffb"), [], source="import", now=NOW)
        entry = opened.server("long")
        assert entry is not None
        assert (len(entry.about), entry.title) == (4000, "ab")
