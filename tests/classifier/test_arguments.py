"""The arguments of a tool, as conditions read them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolgate.classifier.arguments import arguments_named, arguments_of, step
from toolgate.policy.paths import parse_path

TEXT = {"type": "string"}


def schema(required: str = "", **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required.split()}


def test_nested_arguments_and_those_in_lists_have_their_paths() -> None:
    inner = schema("to", to=TEXT, cc={"type": "array", "items": TEXT})
    found = arguments_of(schema("mails", mails={"type": "array", "items": inner}, options=schema("url", url=TEXT)))
    assert [(each.path, each.inside, each.required) for each in found] == [
        ("args.mails", "args.mails[*]", True),
        ("args.mails[*].to", "args.mails[*].to", True),
        ("args.mails[*].cc", "args.mails[*].cc[*]", False),
        ("args.options", "args.options", False),
        ("args.options.url", "args.options.url", False),
    ]
    assert [each.parameter.path for each in found][1:3] == ["mails[].to", "mails[].cc"]


@pytest.mark.parametrize("broken", [None, 3, [], {"properties": 3}, {"properties": {"a": 3}, "required": "a"}])
def test_what_is_no_schema_declares_nothing_that_is_required(broken: object) -> None:
    assert not any(each.required for each in arguments_of(broken))


def test_a_schema_that_holds_itself_ends() -> None:
    endless: dict[str, Any] = {"properties": {}}
    endless["properties"] |= {"a": endless, "b": endless, "c": {"type": "array", "items": endless}}
    assert len(arguments_of(endless)) == 400


@given(st.lists(st.text(min_size=1, max_size=6), min_size=1, max_size=4))
def test_every_key_is_written_so_that_a_policy_reads_it(keys: list[str]) -> None:
    path = "args" + "".join(map(step, keys))
    assert parse_path(path).steps == tuple(keys)
    assert path.encode()


def test_names_alone_tell_what_lies_in_what() -> None:
    found = arguments_named(["files", "files[].path", "a.b", "c", "c.d", "c.d[].e f"])
    assert [each.path for each in found] == [
        "args.files",
        "args.files[*].path",
        'args["a.b"]',
        "args.c",
        "args.c.d",
        "args.c.d[*].e f",
    ]
    assert all(each.required for each in found)
