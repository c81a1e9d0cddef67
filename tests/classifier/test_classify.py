"""Categories by name, description, parameters and annotations; every trap was seen in a public catalogue."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolgate.classifier.classify import RISK, classify
from toolgate.classifier.parameters import words_of
from toolgate.demo.cargo import cargo_server


def tool(
    name: str, description: str = "", annotations: dict[str, Any] | None = None, **properties: Any
) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties}
    return {"name": name, "description": description, "inputSchema": schema, "annotations": annotations}


def text(**more: Any) -> dict[str, Any]:
    return {"type": "string", **more}


@pytest.mark.parametrize(
    ("name", "description", "category"),
    [
        ("refund_eligibility", "Check whether an order can be refunded", "Read"),
        ("london_airport_transfer_quote", "Quote a ride from the airport", "Read"),
        ("manage_notification_subscription", "Manage notification subscriptions", "Write"),
        ("close_list_activities", "", "Read"),
        ("swapTokens", "", "Financial"),
        ("topup_credits", "", "Financial"),
        ("purchase_hotel", "Book a hotel", "Financial"),
        ("authorizePayment", "", "Financial"),
        ("create_refund", "", "Financial"),
        ("create_payment_link", "", "Write"),
        ("send_sol", "", "Financial"),
        ("d1_database_delete", "", "Destructive"),
        ("git_reset", "Unstages all staged changes", "Destructive"),
        ("get_invoice", "", "Read"),
        ("get_transfer", "", "Read"),
        ("list_deleted_items", "", "Read"),
        ("webhook_subscribe", "", "Write"),
        ("fork_repository", "", "Write"),
        ("mark_all_notifications_read", "", "Write"),
        ("compute_vm_create", "", "Write"),
        ("manage_item", "Create, update or delete an item", "Destructive"),
        ("archive_project", "Archives a project. This cannot be undone.", "Destructive"),
        ("repos.delete-file", "", "Destructive"),
        ("eliminar_usuario", "", "Destructive"),
        ("删除文件", "", "Destructive"),
        ("supplier_catalogue", "Searches the catalogue of a supplier", "Read"),
        ("frobnicate", "", "Execute"),
        ("delete_everything", "", "Destructive"),
    ],
)
def test_a_name_counts_by_where_its_words_stand(name: str, description: str, category: str) -> None:
    found = classify(tool(name, description))
    assert found.category == category, found.evidence
    assert found.risk == RISK[found.category]


def test_what_to_do_as_an_argument_counts_as_all_of_it() -> None:
    found = classify(tool("page", "Works on a page", action=text(enum=["create", "delete_page"])))
    assert (found.category, found.evidence[0]) == ("Destructive", "parameter `action` may be `delete_page`")


def test_a_claim_of_the_author_never_makes_a_tool_harmless() -> None:
    found = classify(tool("delete_everything", annotations={"readOnlyHint": True}))
    assert found.category == "Destructive"
    assert found.evidence == ("name part `delete`", "annotation `readOnlyHint` is true")


def test_a_claim_is_believed_where_nothing_else_speaks() -> None:
    found = classify(tool("frobnicate", annotations={"readOnlyHint": True}))
    assert (found.category, found.confidence) == ("Read", "low")


def test_transfers_are_financial_where_an_amount_is_moved() -> None:
    assert classify(tool("transfer", amount={"type": "number"})).category == "Financial"
    assert classify(tool("transfer_issue", issue=text())).category == "Write"


def test_a_query_that_is_run_is_no_mere_read() -> None:
    assert classify(tool("query_database", "Query the database", sql=text())).category == "Execute"
    assert classify(tool("search_notes", "Search notes", query=text())).category == "Read"


def test_confidence_grows_with_what_supports_the_answer() -> None:
    assert classify(tool("list_users", "List the users")).confidence == "high"
    assert classify(tool("list_users", "All of them")).confidence == "medium"
    assert classify(tool("users", "")).confidence == "low"


async def test_the_worked_example_is_classified_as_written(tmp_path: Any) -> None:
    (tmp_path / "Cargo.toml").write_text("[package]\nname = 'x'\nversion = '0.1.0'\n")
    listed = await cargo_server(tmp_path).list_tools()
    found = {each.name: classify(each.model_dump(by_alias=True, exclude_none=True)) for each in listed}
    assert {name: each.category for name, each in found.items()} == {
        **dict.fromkeys(("add", "update"), "Write"),
        **dict.fromkeys(("check", "tree"), "Read"),
        "remove": "Destructive",
        **dict.fromkeys(("audit", "build", "clippy", "doc", "fmt", "run", "test"), "Execute"),
    }
    assert "Accepts file system path (path)" in [signal.text for signal in found["run"].signals]
    assert any(signal.text.startswith("High parameter count (") for signal in found["run"].signals)


def test_signals_name_the_parameter_also_a_nested_one() -> None:
    item = {"type": "object", "properties": {"path": text()}}
    found = classify(
        tool(
            "bulk_upload",
            "",
            files={"type": "array", "items": item},
            url=text(),
            query=text(),
            body=text(description="HTML of the page"),
            api_key=text(),
        )
    )
    assert {signal.text for signal in found.signals} == {
        "Accepts file system path (files[].path)",
        "Accepts URL/endpoint input (url)",
        "Accepts freeform code/query input (query)",
        "Accepts raw HTML/template content (body)",
        "Handles credentials or secrets (api_key)",
        "Bulk/mass operation — affects multiple targets",
        "Sends data out",
    }
    nested = classify(tool("upload", parts={"type": "array", "items": item}))
    assert [signal.text for signal in nested.signals] == ["Accepts file system path (parts[].path)"]
    assert classify(tool("list", page_token=text(), max_tokens={"type": "integer"})).signals == ()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("getHTTPStatus", ("get", "http", "status")),
        ("GITHUB_LIST_KEYS", ("github", "list", "keys")),
        ("a-b.c/d", ("a", "b", "c", "d")),
        ("", ()),
    ],
)
def test_names_are_split_however_they_are_spelled(name: str, words: tuple[str, ...]) -> None:
    assert words_of(name) == words


SCHEMA = ["type", "enum", "items", "properties", "action"]
values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(SCHEMA), inner, max_size=3),
    max_leaves=10,
)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(("name", "description", "inputSchema", "annotations"), values)))
def test_any_object_is_classified_the_same_way_twice(found: dict[str, Any]) -> None:
    assert classify(found) == classify(found)
    assert classify(found).evidence
