"""Records of decisions over the REST API: searched page by page, taken away whole, each organisation its own."""

from __future__ import annotations

import csv
import io
import json
import time

import pytest
from tests.control.api.asking import OTHER, Program, other_organisation
from tests.control.journalling import HOSTILE, decided, record
from tests.control.running import Control

from toolgate.audit.records import Refused
from toolgate.store import servers

pytestmark = pytest.mark.slow

NOW = time.time() - 3600


async def _some(control: Control) -> None:
    server = servers.add(control.engine, "test", "crm", "https://crm.example/mcp").id
    await record(
        control.state.data,
        [
            decided("a", NOW, server_id=server, grant_label="ci"),
            decided("b", NOW + 1, outcome="deny", rule="/tools/run/deny_if/0", message="=1+1 never on Fridays"),
            decided("c", NOW + 2, tool="read", message=HOSTILE),
            decided("z", NOW + 3, organisation=other_organisation(control)),
            Refused(time=NOW + 4, reason="unknown_token", addresses="10.0.0.1", count=3, since=NOW),
        ],
    )


async def test_records_are_found_by_what_is_known_of_them(control: Control) -> None:
    await _some(control)
    viewer = await Program.of(control, "viewer")
    found: dict[str, list[str]] = {}
    for query in ("", "?outcome=deny", "?tool=read", "?grant=ci", "?text=FRIDAYS", "?server=crm", "?since=30m"):
        answer = await viewer.get(f"/records{query}")
        assert answer.status == 200, answer.text
        found[query] = [row["decision_id"] for row in answer.json["items"]]
    assert found == {
        "": ["c", "b", "a"],
        "?outcome=deny": ["b"],
        "?tool=read": ["c"],
        "?grant=ci": ["a"],
        "?text=FRIDAYS": ["b"],
        "?server=crm": ["a"],
        "?since=30m": [],
    }


async def test_records_are_read_page_by_page(control: Control, admin: Program) -> None:
    await _some(control)
    first = (await admin.get("/records?limit=2")).json
    assert [row["kind"] for row in first["items"]] == ["refused", "decision"]
    second = (await admin.get(f"/records?limit=2&cursor={first['next']}")).json
    assert ([row["decision_id"] for row in second["items"]], second["next"]) == (["b", "a"], None)
    other = await admin.get(f"/records?limit=2&outcome=deny&cursor={first['next']}")
    assert (other.status, other.json["place"]) == (422, "query cursor")


async def test_one_decision_is_shown_to_its_organisation(control: Control, admin: Program) -> None:
    await _some(control)
    shown = (await admin.get("/records/b")).json
    assert (shown["rule"], shown["outcome"]) == ("/tools/run/deny_if/0", "deny")
    assert (await admin.get("/records/z")).status == 404
    stranger = await Program.of(control, "viewer", organisation=OTHER)
    assert [row["decision_id"] for row in (await stranger.get("/records")).json["items"]] == ["z"]


async def test_records_are_taken_away_as_table_and_as_lines(control: Control) -> None:
    await _some(control)
    viewer = await Program.of(control, "viewer")
    lines = await viewer.get("/records/export?tool=run")
    assert lines.headers["content-type"] == "application/jsonl"
    assert [json.loads(line)["decision_id"] for line in lines.text.splitlines()] == ["a", "b"]
    table = await viewer.get("/records/export?format=csv&outcome=deny")
    [row] = csv.DictReader(io.StringIO(table.text))
    assert (row["decision_id"], row["message"]) == ("b", "'=1+1 never on Fridays")


async def test_what_cannot_be_searched_for_is_refused_with_its_place(admin: Program) -> None:
    for query, status, place in (
        ("?since=soon", 422, "query since"),
        ("?outcome=maybe", 422, "query outcome"),
        ("?limit=0", 422, "query limit"),
        ("?limit=201", 422, "query limit"),
        ("?grant=a&grant=b", 422, "query grant"),
        ("?text=%1b", 422, "query text"),
        ("?server=nobody", 404, "server"),
    ):
        answer = await admin.get(f"/records{query}")
        assert (answer.status, answer.json["place"]) == (status, place), answer.text
