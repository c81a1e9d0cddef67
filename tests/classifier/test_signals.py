"""Risk signals: which parameter gives which, and what gives none."""

from __future__ import annotations

from typing import Any

import pytest

from toolgate.classifier.classify import classify
from toolgate.demo.cargo import cargo_server


def signals(name: str, /, *, schema: Any = None, **properties: Any) -> set[str]:
    about = {"type": "object", "properties": properties, **(schema or {})}
    found = classify({"name": name, "inputSchema": about})
    return {signal.text for signal in found.signals}


def text(**more: Any) -> dict[str, Any]:
    return {"type": "string", **more}


@pytest.mark.parametrize(
    ("parameter", "signal"),
    [
        ("path", "Accepts file system path (path)"),
        ("outputDir", "Accepts file system path (outputDir)"),
        ("url", "Accepts URL/endpoint input (url)"),
        ("query", "Accepts freeform code/query input (query)"),
        ("code", "Accepts freeform code/query input (code)"),
        ("python_code", "Accepts freeform code/query input (python_code)"),
        ("html", "Accepts raw HTML/template content (html)"),
        ("token", "Handles credentials or secrets (token)"),
        ("private_key", "Handles credentials or secrets (private_key)"),
    ],
)
def test_a_parameter_gives_a_signal_by_its_name(parameter: str, signal: str) -> None:
    assert signal in signals("update_note", **{parameter: text()})


@pytest.mark.parametrize(
    "parameter",
    ["file_id", "webhook_id", "country_code", "script_type", "template_id", "token_address", "page_token", "url_count"],
)
def test_a_parameter_that_only_names_a_thing_gives_none(parameter: str) -> None:
    assert signals("update_note", **{parameter: text()}) == set()


def test_choices_and_numbers_give_none() -> None:
    assert signals("update_note", path=text(enum=["a", "b"]), url={"type": "integer"}) == set()


def test_three_parameters_of_one_signal_are_named_and_the_first_is_kept() -> None:
    schema = {"properties": {name: text() for name in ("from_path", "to_path", "other_path", "last_path")}}
    found = classify({"name": "copy_note", "inputSchema": schema}).signals
    assert [(each.id, each.text, each.parameter) for each in found] == [
        ("path", "Accepts file system path (from_path, to_path, other_path)", "from_path")
    ]


def test_nested_parameters_are_counted_and_named_by_their_path() -> None:
    items = {"type": "array", "items": {"type": "object", "properties": {f"p{each}": text() for each in range(8)}}}
    item = {"type": "object", "properties": {"path": text()}}
    assert signals("update_note", rows=items, one=item) == {
        "High parameter count (11 properties)",
        "Accepts file system path (one.path)",
    }


@pytest.mark.parametrize(
    ("name", "expected"),
    [("fetch_page", True), ("list_issues", True), ("read_email", True), ("get_price", False), ("delete_page", False)],
)
def test_reading_what_strangers_write_is_told(name: str, expected: bool) -> None:
    assert ("Returns untrusted content" in signals(name)) is expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("send_email", True),
        ("post_message", True),
        ("create_webhook", True),
        ("publish_page", True),
        ("delete_message", False),
        ("get_message", False),
        ("send_sol", False),
    ],
)
def test_sending_data_out_is_told(name: str, expected: bool) -> None:
    assert ("Sends data out" in signals(name)) is expected


def test_addresses_count_where_something_is_sent_to_them() -> None:
    mail = "Sends to addresses that the caller chooses (to)"
    assert mail in signals("send_note", to=text(description="Mail address"))
    assert signals("create_user", email=text()) == set()
    assert signals("get_user", email=text()) == set()


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"additionalProperties": True, "properties": {"a": {}}}, True),
        ({"additionalProperties": {"type": "string"}, "properties": {"a": {}}}, True),
        ({"additionalProperties": False, "properties": {"a": {}}}, False),
        ({"properties": {"a": {}}}, False),
    ],
)
def test_a_schema_that_takes_more_than_it_declares_says_so(schema: dict[str, Any], expected: bool) -> None:
    assert ("Undeclared properties accepted" in signals("add_note", schema=schema)) is expected


def test_bulk_and_administration_count_where_something_changes() -> None:
    assert "Bulk/mass operation — affects multiple targets" in signals("batch_update_notes")
    assert "Admin/system-level operation" in signals("update_role")
    assert signals("list_roles") == set()


async def test_the_worked_example_has_exactly_its_two_signals(tmp_path: Any) -> None:
    (tmp_path / "Cargo.toml").write_text("[package]\nname = 'x'\nversion = '0.1.0'\n")
    listed = await cargo_server(tmp_path).list_tools()
    found = {each.name: classify(each.model_dump(by_alias=True, exclude_none=True)).signals for each in listed}
    assert [each.text for each in found["run"]] == [
        "Accepts file system path (path)",
        "High parameter count (17 properties)",
    ]
    others = {each.text for name, signals in found.items() if name != "run" for each in signals}
    assert others == {"Accepts file system path (path)", "Accepts file system path (path, dependencyPath)"}


def test_both_ends_of_a_move_are_paths_where_the_tool_is_about_files() -> None:
    assert "Accepts file system path (source, destination)" in signals("move_file", source=text(), destination=text())
    assert signals("move_ticket", source=text(), destination=text()) == set()
    assert signals("rename_file", source=text(enum=["a", "b"])) == set()
