"""What arguments ask for beyond the rule of a category: judged by the real engine, as it stands and filled in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from tests.policy.calling import NOON

from toolgate.catalogue.entries import ToolEntry
from toolgate.classifier.classify import RISK, Category, Classification
from toolgate.classifier.recommend import recommend, recommend_entries
from toolgate.classifier.signals import Signal
from toolgate.classifier.tightened import FillIn, Tightened, tighten, tighten_entries
from toolgate.policy.compiler import compile_policy
from toolgate.policy.decision import Subject, Verdict
from toolgate.policy.definition import Definition
from toolgate.policy.document import Document

TEXT = {"type": "string"}
SELECT = {"path": "args.query", "op": "sql_only", "value": ["select"], "dialect": "postgres"}


def tool(name: str, required: str = "", **properties: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties, "required": required.split()}
    return {"name": name, "inputSchema": schema}


def known(category: Category, *signals: str) -> list[Classification]:
    """What is known of one tool, so that these tests hold whatever the lexicon says of its name."""
    return [Classification(category, RISK[category], "high", (), tuple(Signal(id_, "", "") for id_ in signals))]


def judged(document: Mapping[str, Any], definition: Mapping[str, Any], **arguments: Any) -> Verdict:
    policy = compile_policy(Document.checked(document))
    return policy.judge(str(definition["name"]), arguments, Subject("g"), NOON, Definition(definition))


def filled(tightened: Tightened, *values: object) -> dict[str, Any]:
    """The document with values written where it asks for them, in order."""
    document: dict[str, Any] = json.loads(json.dumps(tightened.document))
    for fill_in, value in zip(tightened.fill_ins, values, strict=True):
        *way, last = [token.replace("~1", "/").replace("~0", "~") for token in fill_in.pointer.split("/")[1:]]
        place: Any = document
        for token in way:
            place = place[int(token)] if isinstance(place, list) else place[token]
        key: Any = int(last) if isinstance(place, list) else last
        assert place[key] is not None
        place[key] = value
    return document


def outcome(document: Mapping[str, Any], definition: Mapping[str, Any], **arguments: Any) -> str:
    return judged(document, definition, **arguments).outcome


def test_a_path_stays_under_the_root_that_somebody_writes() -> None:
    read = tool("read_file", "path", path=TEXT)
    tightened = tighten([read], "", known("Read"))
    assert outcome(tightened.document, read, path="/srv/data/x") == "deny"
    document = filled(tightened, "/srv/data")
    assert outcome(document, read, path="/srv/data/x") == "allow"
    assert outcome(document, read, path="/etc/passwd") == "deny"
    assert outcome(document, read, path="/srv/data/../x") == "deny"


def test_every_path_of_a_list_is_judged_nested_ones_too() -> None:
    nested = {"type": "array", "items": {"type": "object", "properties": {"path": TEXT}, "required": ["path"]}}
    for read in (
        tool("read_files", "paths", paths={"type": "array", "items": TEXT}),
        tool("read_files", "files", files=nested),
    ):
        document = filled(tighten([read], "", known("Read")), "/srv")
        each: list[Any] = ["/srv/a", "/srv/b"]
        name = "paths" if "paths" in read["inputSchema"]["properties"] else "files"
        given = each if name == "paths" else [{"path": path} for path in each]
        assert outcome(document, read, **{name: given}) == "allow"
        given[1] = "/etc/b" if name == "paths" else {"path": "/etc/b"}
        assert outcome(document, read, **{name: given}) == "deny"


def test_both_ends_of_a_move_are_paths_where_the_tool_is_about_files() -> None:
    move = tool("move_file", "source destination", source=TEXT, destination=TEXT)
    document = filled(tighten([move], "", known("Write")), "/srv", "/srv")
    assert outcome(document, move, source="/srv/a", destination="/srv/b") == "allow"
    assert outcome(document, move, source="/srv/a", destination="/etc/b") == "deny"
    other = tool("translate", "source", source=TEXT)
    assert tighten([other], "", known("Read")).fill_ins == ()


def test_a_place_to_work_in_must_be_named_because_the_server_would_choose_one() -> None:
    run = tool("build", "", path=TEXT, target_file=TEXT)
    document = filled(tighten([run], "", known("Write")), "/srv")
    assert outcome(document, run) == "deny"
    assert outcome(document, run, path="/srv/a") == "allow"
    assert outcome(document, run, path="/srv/a", target_file="/etc/x") == "wait"


def test_a_call_without_an_optional_argument_passes_and_one_with_it_waits_for_a_person() -> None:
    make = tool("create_note", "text", text=TEXT, image_url=TEXT)
    tightened = tighten([make], "", known("Write"))
    assert tightened.fill_ins == ()
    assert outcome(tightened.document, make, text="x") == "allow"
    asked = judged(tightened.document, make, text="x", image_url="https://evil.example/")
    assert (asked.outcome, asked.rule) == ("wait", "/tools/create_note/require_approval/0")


def test_a_url_names_only_hosts_that_somebody_writes() -> None:
    fetch = tool("fetch_page", "url", url=TEXT)
    tightened = tighten([fetch], "", known("Read"))
    assert outcome(tightened.document, fetch, url="https://docs.example/") == "deny"
    document = filled(tightened, ["docs.example"])
    assert outcome(document, fetch, url="https://docs.example/a") == "allow"
    assert outcome(document, fetch, url="https://docs.example@evil.example/") == "deny"


def test_mail_goes_only_to_domains_that_somebody_writes() -> None:
    send = tool("send_email", "to", to={"type": "array", "items": TEXT, "description": "Mail addresses"}, cc=TEXT)
    document = filled(tighten([send], "", known("Write")), ["example.com"])
    assert outcome(document, send, to=["a@example.com"]) == "allow"
    assert outcome(document, send, to=["a@example.com", "b@evil.example"]) == "deny"
    assert outcome(document, send, to=["a@example.com"], cc="b@evil.example") == "wait"


@pytest.mark.parametrize(
    ("category", "definition"),
    [
        ("Read", tool("get_user", "email", email=TEXT)),
        ("Write", tool("create_user", "email", email=TEXT)),
        ("Write", tool("send_coin", "recipient", recipient=TEXT)),
    ],
)
def test_an_address_that_no_mail_goes_to_is_left_alone(category: Category, definition: dict[str, Any]) -> None:
    assert tighten([definition], "", known(category)).fill_ins == ()


def test_a_reading_tool_gets_only_queries_where_the_server_names_its_database() -> None:
    query = tool("read_query", "sql", sql=TEXT)
    tightened = tighten([query], "acme/postgres-mcp", known("Read"))
    assert tightened.fill_ins == ()
    assert outcome(tightened.document, query, sql="select * from t") == "allow"
    assert outcome(tightened.document, query, sql="delete from t") == "deny"


@pytest.mark.parametrize("server", ["acme/db", "acme/mysql-and-sqlite", "acme/mssql"])
def test_where_the_dialect_is_not_certain_nothing_passes_until_somebody_writes_it(server: str) -> None:
    query = tool("read_query", "sql", sql=TEXT)
    tightened = tighten([query], server, known("Read"))
    assert outcome(tightened.document, query, sql="select 1") == "deny"
    assert [fill_in.pointer for fill_in in tightened.fill_ins] == ["/tools/read_query/require/0/conditions/0"]
    assert outcome(filled(tightened, tightened.fill_ins[0].example), query, sql="select 1") == "allow"


def test_a_writing_tool_may_send_more_kinds_of_statement_and_says_so() -> None:
    query = tool("write_query", "sql", sql=TEXT)
    tightened = tighten([query], "sqlite", known("Write"))
    assert outcome(tightened.document, query, sql="insert into t values (1)") == "allow"
    assert outcome(tightened.document, query, sql="delete from t") == "deny"
    assert outcome(filled(tightened, ["delete"]), query, sql="delete from t") == "allow"


@pytest.mark.parametrize(
    ("name", "server"), [("execute_sql", ""), ("run_query", "acme/postgres-mcp"), ("query", "acme/sqlite")]
)
def test_the_query_of_a_database_is_sql_though_it_does_not_say_so(name: str, server: str) -> None:
    query = tool(name, "query", query=TEXT)
    document = filled(tighten([query], server, known("Read")), *([SELECT] if not server else []))
    assert outcome(document, query, query="select 1") == "allow"
    assert outcome(document, query, query="drop table t") == "deny"


def test_other_queries_are_no_sql() -> None:
    search = tool("search_docs", "query", query=TEXT)
    assert tighten([search], "acme/postgres-mcp", known("Read")).document["tools"]["search_docs"] == {}


@pytest.mark.parametrize("parameter", ["command", "code", "python_code", "script"])
def test_what_runs_the_callers_code_waits_for_a_person_each_time(parameter: str) -> None:
    shell = tool("execute_command", parameter, **{parameter: TEXT})
    assert outcome(recommend([shell], "", known("Execute")), shell, **{parameter: "ls"}) == "allow"
    assert outcome(tighten([shell], "", known("Execute")).document, shell, **{parameter: "ls"}) == "wait"


def test_amounts_are_summed_and_a_call_that_names_none_is_refused() -> None:
    pay = tool("refund_charge", "charge", charge=TEXT, amount={"type": "integer"})
    tightened = tighten([pay], "", known("Financial"))
    assert [fill_in.pointer for fill_in in tightened.fill_ins] == ["/tools/refund_charge/limits/0/max"]
    document = filled(tightened, 500)
    asked = judged(document, pay, charge="c", amount=200)
    assert asked.outcome == "wait"
    assert [(charge.counter, charge.amount, charge.maximum) for charge in asked.charges] == [
        ("refund_charge_amount", 200 * 10**9, 500 * 10**9)
    ]
    assert outcome(document, pay, charge="c") == "deny"


def test_a_list_of_targets_is_short_and_may_still_be_left_out() -> None:
    many = {"type": "array", "items": TEXT}
    needed, optional = tool("batch_update", "ids", ids=many), tool("batch_update", "", ids=many)
    for definition in (needed, optional):
        document = tighten([definition], "", known("Write", "bulk")).document
        assert outcome(document, definition, ids=["x"] * 20) == "allow"
        assert outcome(document, definition, ids=["x"] * 21) == "deny"
    assert outcome(tighten([optional], "", known("Write", "bulk")).document, optional) == "allow"


def test_what_sends_waits_for_a_person_where_the_rest_of_the_trifecta_stands_beside_it() -> None:
    inbox, send = tool("read_inbox"), tool("post_comment", "text", text=TEXT)
    alone = tighten([send], "", known("Write"))
    beside = tighten([inbox, send], "", known("Read") + known("Write"))
    assert outcome(alone.document, send, text="x") == "allow"
    assert outcome(beside.document, send, text="x") == "wait"


@pytest.mark.parametrize("key", ["a.path", "file path", 'the "path"', "größe_path", "path]", "a[0].path", "\ud800path"])
def test_odd_names_of_parameters_are_quoted(key: str) -> None:
    read = tool("read_it", "", **{key: TEXT})
    read["inputSchema"]["required"] = [key]
    document = filled(tighten([read], "", known("Read")), "/srv")
    document = json.loads(json.dumps(document))
    assert json.dumps(document, ensure_ascii=False).encode()
    if key.isascii():
        assert outcome(document, read, **{key: "/srv/x"}) == "allow"
    assert outcome(document, read, **{key: "/etc/x"}) == "deny"


def test_odd_names_of_tools_are_escaped_in_pointers() -> None:
    tightened = tighten([tool("read/a~b", "path", path=TEXT)], "", known("Read"))
    assert [fill_in.pointer for fill_in in tightened.fill_ins] == ["/tools/read~1a~0b/require/0/conditions/0/value"]
    assert filled(tightened, "/srv")


def test_a_tool_that_says_it_stays_inside_does_not_send() -> None:
    inbox, post = tool("read_inbox"), {**tool("post_comment"), "annotations": {"openWorldHint": False}}
    document = tighten([inbox, post], "", known("Read") + known("Write")).document
    assert outcome(document, post) == "allow"


def test_a_definition_without_end_costs_no_more_than_its_beginning() -> None:
    deep: dict[str, Any] = {}
    for _ in range(5_000):
        deep = {"properties": {"path": deep}, "items": deep}
    read = {"name": "read", "inputSchema": deep, "annotations": deep}
    assert len(tighten([read], "", known("Read")).fill_ins) < 1000


def entry(name: str, *parameters: str, category: Any = "Read", **signals: str) -> ToolEntry:
    found = tuple(Signal(id_, "", parameter) for id_, parameter in signals.items())
    return ToolEntry("s", "s", name, name, category, "Low", "high", found, (), parameters)


def test_facts_alone_are_enough_for_both_forms() -> None:
    entries = [entry("read", "files", "files[].path", "a", "a.b_url", "c.d_url"), entry("wipe", category="Destructive")]
    assert recommend_entries(entries)["hide"] == ["wipe"]
    tightened = tighten_entries(entries)
    paths = [rule["conditions"][0]["path"] for rule in tightened.document["tools"]["read"]["require"]]
    assert paths == ["args.files[*].path", "args.a.b_url", 'args["c.d_url"]']
    read = tool("read")
    call = {"files": [{"path": "/srv/x"}], "a": {"b_url": "https://a.example/"}, "c.d_url": "https://a.example/"}
    read["inputSchema"] = {"type": "object", "additionalProperties": True}
    assert outcome(filled(tightened, "/srv", ["a.example"], ["a.example"]), read, **call) == "allow"
    assert outcome(filled(tightened, "/srv", ["a.example"], ["b.example"]), read, **call) == "deny"


def test_a_fill_in_as_json_holds_pointer_what_and_example() -> None:
    assert FillIn("/a", "b", 1).facts() == {"pointer": "/a", "what": "b", "example": 1}
