"""Edits of a text touch what they change and nothing else."""

from __future__ import annotations

import json
from typing import Any

import jiter
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.control.builder.writing import texts
from tests.policy import generated

from toolgate.control.builder.spans import Node, NoPlace, Unreadable, find, read
from toolgate.control.builder.splices import become, put, remove, same
from toolgate.policy.entries import escape

LAID_OUT = """{
  "version": "1",
  "default": "deny",
  "tools": {
    "run": {"rate_limit": "10/minute"},
    "test": {}
  }
}
"""


def plain(text: str) -> Any:
    return jiter.from_json(text.encode(), float_mode="lossless-float")


def every(node: Node, pointer: str = "") -> list[str]:
    """The pointers of all values."""
    found = [pointer]
    for member in node.members:
        found += every(member.node, f"{pointer}/{escape(member.key)}")
    for place, item in enumerate(node.items):
        found += every(item, f"{pointer}/{place}")
    return found


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(texts())
def test_a_text_is_read_as_the_engine_reads_it(text: str) -> None:
    assert same(read(text).plain(), plain(text))


@given(st.text(max_size=12) | st.text(alphabet='{}[]",:1e.-tru ', max_size=12))
def test_what_is_no_json_is_refused_and_nothing_else(text: str) -> None:
    try:
        wanted = json.loads(text, parse_constant=lambda _: 1 / 0)
    except (ValueError, ZeroDivisionError):
        with pytest.raises(Unreadable):
            read(text)
    else:
        assert json.dumps(read(text).plain(), default=float) == json.dumps(wanted)


@settings(max_examples=6, deadline=None)
@given(texts(), st.data())
def test_what_is_set_to_itself_stays_as_it_is_written(text: str, data: st.DataObject) -> None:
    pointer = data.draw(st.sampled_from(every(read(text))))
    assert become(text, pointer, find(read(text), pointer).plain()) == text


@pytest.mark.slow
@settings(max_examples=50, deadline=None)
@given(texts(), generated.values, st.data())
def test_a_value_is_changed_and_everything_around_it_stays(text: str, value: Any, data: st.DataObject) -> None:
    pointer = data.draw(st.sampled_from(every(read(text))))
    node = find(read(text), pointer)
    edited = become(text, pointer, value)
    assert same(find(read(edited), pointer).plain(), jsonable(value))
    assert edited.startswith(text[: node.start])
    assert edited.endswith(text[node.end :])


@pytest.mark.slow
@settings(max_examples=50, deadline=None)
@given(texts(), generated.values, st.data())
def test_what_is_inserted_and_removed_again_leaves_the_text_as_it_was(
    text: str, value: Any, data: st.DataObject
) -> None:
    root = read(text)
    pointer = data.draw(st.sampled_from([p for p in every(root) if find(root, p).kind != "scalar"]))
    parent = find(root, pointer)
    token = "a new/key" if parent.kind == "object" else "-"
    edited = put(text, f"{pointer}/{escape(token) if token != '-' else token}", value)
    place = "a new~1key" if parent.kind == "object" else str(len(parent.items))
    back = remove(edited, f"{pointer}/{place}")
    if parent.members or parent.items:
        assert back == text
    else:
        assert same(plain(back), plain(text))
    assert edited.startswith(text[: parent.start])
    assert edited.endswith(text[parent.end :])


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(texts(), st.data())
def test_what_is_removed_takes_only_itself(text: str, data: st.DataObject) -> None:
    pointer = data.draw(st.sampled_from([p for p in every(read(text)) if p]))
    above, _, token = pointer.rpartition("/")
    wanted = find(read(text), above).plain()
    del wanted[int(token) if isinstance(wanted, list) else token.replace("~1", "/").replace("~0", "~")]
    assert same(find(read(remove(text, pointer)), above).plain(), wanted)


def jsonable(value: Any) -> Any:
    return plain(json.dumps(value, default=str)) if not has_lossless(value) else lossless(value)


def has_lossless(value: Any) -> bool:
    return "LosslessFloat" in repr(value)


def lossless(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: lossless(item) for key, item in value.items()}
    if isinstance(value, list):
        return [lossless(item) for item in value]
    return plain(json.dumps(value)) if isinstance(value, float) else value


def test_new_parts_look_like_their_neighbours() -> None:
    edited = put(LAID_OUT, "/tools/build", {})
    assert edited == LAID_OUT.replace('"test": {}\n', '"test": {},\n    "build": {}\n')
    hidden = put(edited, "/hide/-", "remove")
    assert hidden == edited.replace("  }\n}", '  },\n  "hide": ["remove"]\n}')
    assert put(hidden, "/hide/-", "add").count('["remove", "add"]') == 1


def test_a_rule_in_an_empty_entry_is_laid_out() -> None:
    rule = {"conditions": [{"path": "args.a", "op": "lte", "value": 100}]}
    assert put(LAID_OUT, "/tools/test/require/-", rule) == LAID_OUT.replace(
        '"test": {}',
        """"test": {
      "require": [
        {
          "conditions": [{"path": "args.a", "op": "lte", "value": 100}]
        }
      ]
    }""",
    )


def test_a_document_on_one_line_stays_on_one() -> None:
    text = '{"version":"1","default":"deny"}'
    assert put(text, "/tools/run", {}) == '{"version":"1","default":"deny","tools":{"run":{}}}'


def test_windows_lines_stay_windows_lines() -> None:
    text = LAID_OUT.replace("\n", "\r\n")
    assert put(text, "/hide/-", "x").replace("\r\n", "\n") == put(LAID_OUT, "/hide/-", "x")
    assert "\n" not in put(text, "/hide/-", "x").replace("\r\n", "")


def test_a_number_keeps_its_spelling_until_it_is_changed() -> None:
    text = '{"a": 1.0, "b": 1e2}'
    assert become(text, "", plain(text)) == text
    assert become(text, "", {"a": 1, "b": find(read(text), "/b").plain()}) == '{"a": 1, "b": 1e2}'


def test_a_place_that_is_gone_is_told() -> None:
    with pytest.raises(NoPlace, match="leads nowhere"):
        become(LAID_OUT, "/tools/gone/require/0", {})


def test_a_fault_is_told_by_line_and_column() -> None:
    with pytest.raises(Unreadable, match="line 2, column 3: has a `x` that JSON does not have there"):
        read("{\n  x: 1}")
    with pytest.raises(Unreadable, match="deeper than 64 levels"):
        read("[" * 70)


def test_a_list_that_grows_keeps_what_stood_in_it_as_it_was_written() -> None:
    text = '{"hide": [ "a" ,"\\u0062" ],\n "n": 1e2}'
    value = {**read(text).plain(), "hide": ["a", "b", "c"]}
    assert become(text, "", value) == '{"hide": [ "a" ,"\\u0062","c" ],\n "n": 1e2}'
