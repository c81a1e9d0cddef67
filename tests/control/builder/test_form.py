"""The form of a document says the document again: rendered, sent back untouched, nothing has changed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.requests import Request
from tests.control.builder.filled import filled
from tests.control.builder.writing import texts

from toolgate.control.builder.drafts import lines, look
from toolgate.control.builder.fields import in_area
from toolgate.control.builder.form import editor, form
from toolgate.control.builder.offers import WHO, offers
from toolgate.control.builder.problem import NotPossible
from toolgate.control.builder.stances import STANCES, hiding_pattern, set_stance, stance_of
from toolgate.control.builder.trial import arguments_of, inputs, try_call
from toolgate.control.builder.values import OPERATORS, BadValue, operators_for, value_of, value_text
from toolgate.control.identity.actor import Actor
from toolgate.control.pages.drafting import Draft, edited
from toolgate.control.pages.policy_builder import CONTENTS
from toolgate.control.pages.rendering import Page, render
from toolgate.errors import ToolgateError
from toolgate.policy.categories import Category
from toolgate.policy.compiler import compile_policy
from toolgate.policy.decision import Subject
from toolgate.policy.document import parse
from toolgate.policy.lint import lint
from toolgate.policy.typed import OPERATORS as KNOWN

TOOL = {
    "name": "run",
    "inputSchema": {
        "type": "object",
        "required": ["a"],
        "properties": {
            "a": {"type": "number"},
            "b": {"type": "string"},
            "c.d": {"type": "boolean"},
            "files": {"type": "array", "items": {"type": "object", "properties": {"path": {"type": "string"}}}},
            "tags": {"type": "array", "items": {"type": "string"}},
            "url": {"type": "string", "description": "where"},
            "mode": {"type": "string", "enum": ["fast", "slow"]},
        },
    },
}
TOOLS = {"run": TOOL, "read_a": {**TOOL, "name": "read_a"}}


def page(draft: Draft) -> str:
    """The builder's page around a draft."""
    found = look(draft.text)
    assert found.document is not None, found.problems
    parts = {
        "document": draft.text,
        "valid": True,
        "changed": False,
        "problems": [],
        "findings": [],
        "form": form(found.document.raw, TOOLS.values()),
        "editor": editor(found.document.raw, draft.entry, TOOLS.get("run")) if draft.entry else None,
        "policy": None,
        "action": "/x",
        "error": None,
        "typed": {},
        "servers": [],
        "granted": [],
        "tried": None,
        "trying": "run",
        "inputs": inputs(TOOL),
        "tool_names": list(TOOLS),
        "tool_choices": [(name, name) for name in TOOLS],
    }
    parts = {**parts, **CONTENTS, "draft": draft, "hidden": draft.encoded()}
    actor = Actor("ann", "organisation", "policy_manager", None)
    scope = {"type": "http", "method": "GET", "path": "/policies/new", "headers": [], "state": {"actor": actor}}
    return bytes(render(Request(scope), Page("policy_builder.html", "New policy", parts)).body).decode()


def entries(text: str) -> list[str]:
    """Every entry of a document that can be opened."""
    raw = parse(text).raw
    found = [f"/tools/{key.replace('~', '~0').replace('/', '~1')}" for key in raw.get("tools", {})]
    found += [f"/methods/{key.replace('~', '~0').replace('/', '~1')}" for key in raw.get("methods", {})]
    return ["", *found, *(["/all_tools"] if "all_tools" in raw else [])]


def sent_back(text: str, entry: str, **changed: str) -> str:
    """The draft after its page was sent back with some fields changed."""
    fields = filled(page(Draft(text, text, 1, entry=entry)))
    fields = {name: value for name, value in fields.items() if name in changed or not name.startswith("new")}
    assert changed.keys() <= fields.keys() | {"do"}, changed.keys() - fields.keys()
    return edited(Draft(text, text, 1, entry=entry, fields={**fields, "do": "apply", **changed}), TOOLS).text


@settings(max_examples=6, deadline=None)
@given(texts(), st.data())
def test_a_document_that_is_opened_and_saved_unchanged_is_the_same_byte_for_byte(
    text: str, data: st.DataObject
) -> None:
    assert sent_back(text, data.draw(st.sampled_from(entries(text)))) == text


@pytest.mark.slow
@settings(max_examples=80, deadline=None)
@given(texts(), st.data())
def test_very_many_documents_come_back_byte_for_byte(text: str, data: st.DataObject) -> None:
    assert sent_back(text, data.draw(st.sampled_from(entries(text)))) == text


ODD = [
    r'{"version":"1","default":"deny","description":"a\u0000\r\n","tools":{"run":{"reason":"\n x\r","action":"deny"}}}',
    '{"version":"1","default":"deny","tools":{"run":{"schema":"off","require":[{"conditions":[{"path":"args[\\"x\\\\n\\"]",'
    '"op":"in","value":["a,b"," c","[1]","",1e2,1.0,null,true]}],"on_deny":""}]}}}',
    '{"version":"1","default":"deny","tools":{"run":{"schema":"off","deny_if":[{"conditions":[{"path":"args.b\\nx","op":"eq",'
    '"value":"\\r\\n"}]}]}}}',
    '{"version":"1","default":"allow","list":"callable","tools":{"run":{"schema":"auto","rate_limit":'
    '{"max":10,"window":7,"scope":"grant"},"limits":[{"counter":"a b","window":90,"max":1e1,'
    '"scope":"grant","cost":2.50}]}}}',
    '{"version":"1","default":"deny","tools":{"run":{"schema":"off","require_approval":[{"conditions":[],"timeout":"10m"}],'
    '"require":[{"conditions":[{"path":"args.b","op":"eq","value":{"ref":"time.hour"},"zone":"UTC"}]}]}}}',
    '{"version":"1","default":"deny","tools":{"run":{"schema":"off","require":[{"conditions":[{"path":"args.b",'
    '"op":"sql_only","value":["select"],"dialect":"mysql"},{"path":"args.b","op":"path_under","value":"/a,b"},'
    '{"path":"args.b","op":"path_under","value":["/a"]},{"path":"args.a","op":"eq","value":"1"}]}]}}}',
    '{"version":"1","default":"deny","hide":["run","ru*","run"],"tools":{"</textarea><b>":{},"a\\"b":{"rate_limit":"5/hour"}}}',
]


@pytest.mark.parametrize("text", ODD)
def test_documents_that_no_form_would_write_come_back_byte_for_byte(text: str) -> None:
    for entry in entries(text):
        assert sent_back(text, entry) == text


def test_the_draft_itself_is_never_changed_by_the_browser() -> None:
    text = '\r\n{"version": "1",\n\r\n"default": "deny", "description": "\\u0000<"}\r\n'
    draft = Draft(text, text, 3)
    fields = filled(page(draft))
    assert in_area(fields["pane"]) == in_area(text)
    assert edited(Draft(text, text, 3, fields=fields), TOOLS).text == text


def test_what_is_typed_into_the_pane_keeps_the_line_ends_of_the_document() -> None:
    text = '{\r\n  "version": "1",\r\n  "default": "deny"\r\n}\r\n'
    pane = text.replace("deny", "allow")
    assert edited(Draft(text, text, 1, fields={"pane": pane}), TOOLS).text == pane


START = json.dumps(
    {
        "version": "1",
        "default": "deny",
        "tools": {
            "run": {
                "require": [{"conditions": [{"path": "args.a", "op": "lte", "value": 100}], "on_deny": "No."}],
                "rate_limit": "10/minute",
                "limits": [{"counter": "spend", "window": "day", "max": 50, "cost": "args.a"}],
            }
        },
    },
    indent=2,
)


@pytest.mark.parametrize(
    ("changed", "before", "after"),
    [
        ({"require:0:0:value": "250"}, '"value": 100', '"value": 250'),
        ({"require:0:0:op": "lt"}, '"op": "lte"', '"op": "lt"'),
        ({"require:0:on_deny": "Never."}, '"No."', '"Never."'),
        ({"rate:max": "3"}, '"10/minute"', '"3/minute"'),
        ({"rate:window": "3600"}, '"10/minute"', '"10/hour"'),
        ({"limit:0:max": "2.50"}, '"max": 50', '"max": 2.50'),
        ({"limit:0:window": "week"}, '"window": "day"', '"window": "week"'),
        ({"default": "allow"}, '"deny"', '"allow"'),
    ],
)
def test_a_field_changes_its_own_value_and_nothing_else(changed: dict[str, str], before: str, after: str) -> None:
    assert sent_back(START, "/tools/run", **changed) == START.replace(before, after, 1)


def test_what_a_field_cannot_take_is_told_at_the_field() -> None:
    with pytest.raises(BadValue) as caught:
        sent_back(START, "/tools/run", **{"require:0:0:value": "much"})
    assert (caught.value.place, caught.value.cause) == ("require:0:0:value", "`much` is no number")


def test_an_edit_that_would_break_the_policy_is_refused_with_its_place() -> None:
    with pytest.raises(Exception, match="limit:0:max: `-1` is no number from 0 up"):
        sent_back(START, "/tools/run", **{"limit:0:max": "-1"})


@pytest.mark.parametrize("stance", list(STANCES))
@pytest.mark.parametrize("before", list(STANCES))
def test_every_stance_leads_to_every_other(before: Any, stance: Any) -> None:
    text = set_stance(START, parse(START).raw, "read_a", before)
    text = set_stance(text, parse(text).raw, "read_a", stance)
    wanted = "allow" if stance == "custom" else stance
    assert stance_of(parse(text).raw, "read_a") == wanted
    back = set_stance(text, parse(text).raw, "read_a", "default")
    assert json.loads(back) == json.loads(START)


def test_stances_keep_rules_but_for_a_plain_allow() -> None:
    raw = parse(START).raw
    denied = set_stance(START, raw, "run", "deny")
    assert set_stance(denied, parse(denied).raw, "run", "custom") == START
    assert json.loads(set_stance(START, raw, "run", "allow"))["tools"] == {"run": {}}


def test_a_tool_that_a_pattern_hides_cannot_be_shown_by_its_own_stance() -> None:
    text = '{"version": "1", "default": "deny", "hide": ["r*"]}'
    with pytest.raises(Exception, match="the pattern `r\\*` of `hide` covers `run`"):
        set_stance(text, parse(text).raw, "run", "allow")


def press(text: str, do: str, entry: str = "/tools/run", **fields: str) -> str:
    return edited(Draft(text, text, 1, entry=entry, fields={"do": do, **fields}), TOOLS).text


def test_a_rule_and_a_limit_are_composed_from_the_tools_own_parameters() -> None:
    empty = '{"version": "1", "default": "deny"}'
    new = {"new:kind": "require", "new:0:path": "args.a", "new:0:op": "lte", "new:0:value": "100", "new:on_deny": "No."}
    text = press(empty, "add-rule", **new)
    text = press(text, "add-limit", **{"newlimit:max": "10"})
    text = press(text, "add-limit", **{"newlimit:max": "5000", "newlimit:cost": "args.a", "newlimit:window": "day"})
    assert json.loads(text)["tools"]["run"] == {
        "require": [{"conditions": [{"path": "args.a", "op": "lte", "value": 100}], "on_deny": "No."}],
        "rate_limit": "10/minute",
        "limits": [{"counter": "run_a_day", "window": "day", "max": 5000, "cost": "args.a"}],
    }
    again = press(text, "add-limit", **{"newlimit:max": "9", "newlimit:window": "60"})
    assert json.loads(again)["tools"]["run"]["limits"][1] == {"counter": "run_calls_60s", "window": 60, "max": 9}
    for gone in ("limits/0", "rate_limit", "require/0"):
        text = press(text, f"take|/tools/run/{gone}")
    assert json.loads(text)["tools"] == {"run": {}}


def test_a_rule_without_a_condition_is_not_composed() -> None:
    with pytest.raises(Exception, match="the rule has no condition"):
        press(START, "add-rule", **{"new:kind": "deny_if", "new:0:path": " "})


def test_what_is_recommended_replaces_what_stands_and_keeps_the_rest() -> None:
    text = press(START, "recommend|run")
    assert json.loads(text)["tools"]["run"]["limits"][0]["counter"] == "run_rate"
    whole = press('{"version": "1", "default": "deny", "tools": {"mine": {}}}', "recommend")
    assert json.loads(whole)["tools"].keys() == {"mine", "run", "read_a"}


def test_an_undone_edit_comes_back() -> None:
    draft = edited(Draft(START, START, 1, fields={"stance:read_a": "hide"}), TOOLS)
    undone = edited(Draft(draft.text, draft.before, 1, fields={"do": "undo"}), TOOLS)
    assert (undone.text, undone.before) == (START, draft.text)


@settings(max_examples=10, deadline=None)
@given(texts(), st.sampled_from(["run", "read_a", "x"]), st.sampled_from(list(STANCES)))
def test_a_stance_gives_a_valid_document_or_says_why_not(text: str, name: str, stance: Any) -> None:
    raw = parse(text).raw
    try:
        changed = set_stance(text, raw, name, stance)
    except NotPossible:
        assert hiding_pattern(raw, name)
        return
    policy = compile_policy(parse(changed))
    if stance in ("hide", "deny"):
        assert not policy.could_call(name)


def test_operators_are_offered_by_type_and_all_of_them_in_words() -> None:
    assert OPERATORS.keys() == KNOWN.keys()
    assert operators_for("number")[0] == "lte"
    assert operators_for("") == tuple(OPERATORS)
    offered = {offer.path: (offer.kind, offer.suggested) for offer in offers(TOOL)}
    assert offered == {
        "args.a": ("number", "lte"),
        "args.b": ("string", "in"),
        'args["c.d"]': ("boolean", "eq"),
        "args.files": ("array", "length_lte"),
        "args.files[*].path": ("string", "path_under"),
        "args.tags": ("array", "length_lte"),
        "args.tags[*]": ("string", "in"),
        "args.url": ("string", "host_in"),
        "args.mode": ("string", "in"),
    }


@pytest.mark.parametrize(
    ("op", "kind", "typed", "value"),
    [
        ("in", "string", "usd, eur", ["usd", "eur"]),
        ("in", "string", "a,b\nc", ["a,b", "c"]),
        ("in", "number", "1, 2", [1, 2]),
        ("eq", "string", "1", "1"),
        ("eq", "", "1", 1),
        ("eq", "", "one", "one"),
        ("eq", "boolean", "yes", True),
        ("exists", "string", "false", False),
        ("lt", "string", "b", "b"),
        ("path_under", "string", "/srv/a b", "/srv/a b"),
        ("path_under", "string", "/a\n/b", ["/a", "/b"]),
        ("full_match", "string", "[a-z]+", "[a-z]+"),
        ("in", "string", '["a, b"]', ["a, b"]),
        ("eq", "string", '{"ref": "principal"}', {"ref": "principal"}),
    ],
)
def test_what_is_typed_becomes_a_value_of_the_arguments_type(op: str, kind: str, typed: str, value: Any) -> None:
    assert value_of(op, typed, kind) == value
    assert value_of(op, value_text(value, kind), kind) == value


def test_differing_lines_are_shown_with_three_around_them() -> None:
    before = "\n".join(map(str, range(20)))
    assert lines(before, before.replace("10", "ten")) == [
        ("…", "line 8"),
        (" ", "7"),
        (" ", "8"),
        (" ", "9"),
        ("-", "10"),
        ("+", "ten"),
        (" ", "11"),
        (" ", "12"),
        (" ", "13"),
    ]
    assert lines(before, before) == []


def test_arguments_are_filled_in_by_field_and_json_goes_over_them() -> None:
    assert [(each.name, each.kind, each.example) for each in inputs(TOOL)] == [
        ("a", "number", "1"),
        ("b", "string", ""),
        ("c.d", "boolean", ""),
        ("url", "string", ""),
        ("mode", "string", ""),
    ]
    fields = {
        "arg:a": "12.50",
        "arg:b": "7",
        "arg:c.d": "yes",
        "arg:mode": "",
        "try:arguments": '{"b": "x", "tags": []}',
    }
    found = arguments_of(TOOL, fields)
    assert {**found, "a": str(found["a"])} == {"a": "12.50", "b": "x", "c.d": True, "tags": []}
    assert arguments_of(TOOL, {"arg:a": "many"}) == {"a": "many"}
    assert arguments_of(None, {"arg:a": "1"}) == {}


buttons = st.one_of(
    st.sampled_from(
        ["apply", "undo", "close", "add-rule", "add-limit", "recommend", "recommend|run", "recommend|gone"]
    ),
    st.builds(
        "take|{}".format, st.sampled_from(["", "x", "/", "/version", "/tools/run", "/tools/run/require/0", "/hide/0"])
    ),
    st.builds("open|{}".format, st.sampled_from(["", "/", "/tools/", "/hide/0", "/tools/run"])),
    st.builds("entry|{}".format, st.sampled_from(["tools", "methods", "other"])),
)
NAMES = """stance:run stance: default list description schema reason rate:max rate:window require:0:on_deny
    require:0:0:path require:0:0:op require:0:0:value limit:0:max new:kind new:0:path new:0:op new:0:value
    new:timeout newlimit:max newlimit:window newlimit:cost newlimit:scope newkey:tools newkey:methods"""
VALUES = """1 -1 1e999 [ {"ref":1} args.a args.a[*] eq sql_only in allow hide require deny_if require_approval minute
    x* \0 closed 10m"""
typed = st.dictionaries(st.sampled_from(NAMES.split()), st.sampled_from(["", " ", *VALUES.split()]), max_size=6)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(texts(), st.sampled_from(["", "/tools/run", "/all_tools", "/methods/ping", "/tools/new"]), buttons, typed)
def test_whatever_is_sent_a_draft_stays_valid_or_it_is_said_why_not(
    text: str, entry: str, do: str, fields: dict[str, str]
) -> None:
    try:
        draft = edited(Draft(text, text, 1, entry=entry, fields={**fields, "do": do}), TOOLS)
    except ToolgateError:
        return
    assert look(draft.text).valid


def test_an_entry_that_is_none_is_refused() -> None:
    for entry in ("tools/run", "/hide/0", "/tools/run/require", "/version", "/tools/"):
        with pytest.raises(ToolgateError, match="is no entry of a policy"):
            edited(Draft(START, START, 1, entry=entry), TOOLS)


def test_what_a_tool_does_is_chosen_from_a_list() -> None:
    offered = {offer.path: offer for offer in WHO}
    assert offered["tool.category"].choices == ("Read", "Write", "Execute", "Destructive", "Financial")
    assert offered["tool.risk"].choices == ("Low", "Medium", "High", "Critical")
    for path in ("tool.category", "tool.risk"):
        offer = offered[path]
        condition = {"path": path, "op": offer.suggested, "value": offer.example.split("\n")}
        document = {"version": "1", "default": "allow", "all_tools": {"deny_if": [{"conditions": [condition]}]}}
        assert lint(parse(json.dumps(document))) == []


@pytest.mark.parametrize(("category", "outcome"), [("Read", "allow"), ("Financial", "deny"), (None, "deny")])
def test_a_call_is_tried_as_one_of_a_tool_of_its_category(category: Category | None, outcome: str) -> None:
    condition = {"path": "tool.category", "op": "in", "value": ["Destructive", "Financial"]}
    document = {"version": "1", "default": "allow", "all_tools": {"deny_if": [{"conditions": [condition]}]}}
    tried = try_call(parse(json.dumps(document)), "run", {}, Subject("g"), 0.0, TOOL, category)
    assert tried.verdict.outcome == outcome
    assert any(step.effect == "denies" for step in tried.steps) is (outcome == "deny")
