"""`/records`: the decision log as people and programs read it."""

from __future__ import annotations

import csv
import io
import json
import re
import time

import pytest
from tests.control.journalling import HOSTILE, decided, record
from tests.control.running import Control

from toolgate.audit.records import Gap, Outcome, Refused, Sum
from toolgate.store import organisations, servers

NOW = time.time() - 3600


async def ids(control: Control, query: str = "", role: str = "viewer") -> list[str]:
    answer = await (await control.signed_in(role)).get(f"/records.json{query}")
    assert answer.status == 200, answer.text
    return [one.get("decision_id", one["kind"]) for one in answer.json["records"]]


async def test_the_log_shows_who_called_what_and_why_it_was_denied(control: Control) -> None:
    server = servers.add(control.engine, "test", "files", "http://127.0.0.1:9/mcp").id
    denied = decided(
        "b", NOW, outcome="deny", rule="/tools/run/deny_if/0", message="Never on Fridays.", server_id=server
    )
    await record(
        control.state.data,
        [decided("a", NOW, grant_label="ci"), Outcome(time=NOW, decision_id="a", result="timeout"), denied],
    )
    page = await (await control.signed_in("viewer")).get("/records")
    assert page.status == 200
    for words in (
        "ci",
        "no answer in time",
        "Never on Fridays.",
        "/tools/run/deny_if/0",
        ">files<",
        'href="/records/b"',
    ):
        assert words in page.text


FILTERS = {
    "": ["gap", "refused", "sum", "c", "b", "a"],
    "?outcome=deny": ["sum", "b"],
    "?outcome=refused": ["refused"],
    "?tool=read": ["c"],
    "?grant=ci": ["sum", "b"],
    "?text=FRIDAYS": ["b"],
    "?text=100%25": [],
    "?rule=/tools/run": ["sum"],
    "?since=30m": ["gap", "refused", "sum", "c"],
    "?until=30m": ["b", "a"],
    "?server=one&outcome=allow": ["a"],
}


async def test_filters_narrow_the_log(control: Control) -> None:
    await record(
        control.state.data,
        [
            decided("a", NOW, server_id="one"),
            decided("b", NOW + 1, grant_label="ci", outcome="deny", message="Never on Fridays."),
            decided("c", NOW + 3000, tool="read"),
            Sum(time=NOW + 3001, grant_id="g", grant_label="ci", rule="/tools/run", count=3, since=NOW),
            Refused(time=NOW + 3002, reason="unknown token", addresses="192.0.2.0/24", count=2, since=NOW),
            Gap(time=NOW + 3003, cause="no space left on device", since=NOW),
        ],
    )
    # A sum has the organisation of its grant, and this grant is nobody's: an admin of the operator sees it.
    assert {query: await ids(control, query, "admin") for query in FILTERS} == FILTERS


async def test_pages_lead_back_and_forth(control: Control) -> None:
    await record(control.state.data, [decided(f"d{number}", NOW + number) for number in range(120)])
    browser = await control.signed_in("viewer")
    first = (await browser.get("/records.json")).json
    second = (await browser.get(f"/records.json?before={first['older']}")).json
    third = (await browser.get(f"/records.json?before={second['older']}")).json
    shown = [one["decision_id"] for page in (first, second, third) for one in page["records"]]
    assert shown == [f"d{number}" for number in reversed(range(120))]
    assert (first["newer"], third["older"]) == (None, None)
    back = (await browser.get(f"/records.json?after={third['newer']}")).json
    assert back["records"] == second["records"]
    page = await browser.get(f"/records?tool=run&before={first['older']}")
    assert re.search(r'rel="next" href="/records\?tool=run&amp;before=[\w-]+"', page.text)
    assert re.search(r'rel="prev" href="/records\?tool=run&amp;after=[\w-]+"', page.text)


NOT_UNDERSTOOD = {
    "since=yesterday": "is not a moment of the past",
    "until=99999999999999999w": "is not a moment of the past",
    "outcome=maybe": "is no outcome",
    "before=nonsense": "is no place in the log",
    "text=" + "x" * 600: "too long",
    "tool=%1B%5B2J": "does not print",
}


async def test_what_is_not_understood_is_said_beside_what_was_typed(control: Control) -> None:
    browser = await control.signed_in("viewer")
    for query, wrong in NOT_UNDERSTOOD.items():
        page = await browser.get(f"/records?grant=kept&{query}")
        assert page.status == 422
        assert wrong in page.text
        assert 'value="kept"' in page.text
        assert (await browser.get(f"/records.json?{query}")).status == 422
        assert (await browser.get(f"/records.csv?{query}")).status == (200 if "before" in query else 422)


async def test_nobody_sees_the_records_of_another_organisation(control: Control) -> None:
    other = organisations.add(control.engine, "test", "other").id
    await record(
        control.state.data,
        [
            decided("ours", NOW, tool="our_tool"),
            decided("theirs", NOW, organisation=other),
            Refused(time=NOW, reason="unknown token", addresses="192.0.2.0/24", count=2, since=NOW),
        ],
    )
    assert await ids(control, role="viewer") == ["ours"]
    assert sorted(await ids(control, role="admin")) == ["ours", "refused"]
    stranger = await control.signed_in("admin", organisation=other)
    assert [one["decision_id"] for one in (await stranger.get("/records.json")).json["records"]] == ["theirs"]
    for path in ("/records.csv", "/records.jsonl", "/records.json?text=run", "/records", "/"):
        assert "our_tool" not in (await stranger.get(path)).text
    unknown = await stranger.get("/records/none.json")
    foreign = await stranger.get("/records/ours.json")
    assert (foreign.status, foreign.text.replace("ours", "none")) == (404, unknown.text)
    assert (await stranger.get("/overview.json")).json["counts"] == {
        "decided": 1, "allowed": 1, "denied": 0, "waited": 0, "refused": 0,
    }  # fmt: skip


@pytest.mark.slow
async def test_who_is_not_signed_in_sees_nothing(control: Control) -> None:
    await record(control.state.data, [decided("x", NOW, tool="secret_tool")])
    nobody = await control.browser()
    for path in ("/", "/overview.json", "/records", "/records.json", "/records.csv", "/records/x", "/live"):
        answer = await nobody.get(path)
        assert answer.status == (401 if path.endswith((".json", "/live")) else 303)
        assert "secret_tool" not in answer.text


async def test_hostile_text_is_neither_markup_nor_escape_nor_formula(control: Control) -> None:
    names = dict.fromkeys(("grant_label", "principal", "tool", "method", "message"), HOSTILE)
    await record(control.state.data, [decided("x", NOW, outcome="deny", rule=HOSTILE, server_id="=1+1", **names)])
    browser = await control.signed_in("admin")
    for path in ("/records", "/records/x", "/", f"/records?text={HOSTILE[:8]}"):
        text = (await browser.get(path)).text
        assert "<script>alert" not in text
        assert "\x1b" not in text
        assert "\u202e" not in text
    table = list(csv.DictReader(io.StringIO((await browser.get("/records.csv")).text)))
    assert table[0]["server_id"] == "'=1+1"


@pytest.mark.slow
async def test_the_log_can_be_kept_as_a_file(control: Control) -> None:
    entries = [decided(f"d{number}", NOW + number, tool="run" if number % 2 else "read") for number in range(450)]
    await record(control.state.data, [*entries, Outcome(time=NOW + 500, decision_id="d1", result="result", status=200)])
    browser = await control.signed_in("viewer")
    table = await browser.get("/records.csv?tool=run")
    assert table.headers["content-disposition"] == 'attachment; filename="decisions.csv"'
    rows = list(csv.DictReader(io.StringIO(table.text)))
    assert [row["decision_id"] for row in rows] == [f"d{number}" for number in range(1, 450, 2)]
    lines = [json.loads(line) for line in (await browser.get("/records.jsonl")).text.splitlines()]
    assert len(lines) == 450
    assert lines[1]["result"]["status"] == 200


@pytest.mark.slow
async def test_an_empty_log_teaches(control: Control) -> None:
    browser = await control.signed_in("viewer")
    assert "toolgate audit tail" in (await browser.get("/records")).text
    assert "Nothing fits these filters" in (await browser.get("/records?tool=run")).text
