"""Traps seen in public catalogues, by name, and others of their kind."""

from __future__ import annotations

from typing import Any

import pytest

from toolgate.classifier.classify import classify, classify_all


def tool(name: str, description: str = "", **properties: Any) -> dict[str, Any]:
    return {"name": name, "description": description, "inputSchema": {"type": "object", "properties": properties}}


@pytest.mark.parametrize(
    ("name", "description"),
    [
        ("refund_eligibility", "Check whether an order can be refunded"),
        ("refund_eligibility", ""),
        ("london_airport_transfer_quote", ""),
        ("get_invoice", ""),
        ("payment_methods", "Retrieve the payment methods of the user."),
        ("trade_history", ""),
        ("dex_simulate_swap", "Simulate a token swap to get its outcome"),
        ("token_price", "Returns what a token costs"),
        ("list_open_positions", ""),
        ("estimate_transfer_fee", ""),
    ],
)
def test_what_only_tells_of_money_reads(name: str, description: str) -> None:
    assert classify(tool(name, description)).category == "Read"


@pytest.mark.parametrize(
    ("name", "description"),
    [
        ("manage_notification_subscription", "Manage notification subscriptions"),
        ("create_payment_link", "Create a payment link"),
        ("swap_faces", "Swap the faces of two pictures"),
        ("transfer_ownership", "Transfer a repository to another owner"),
        ("send_payment_reminder", ""),
        ("cancel_subscription", ""),
        ("create_invoice", ""),
        ("book_meeting", ""),
        ("charge_template", ""),
    ],
)
def test_accidents_of_a_word_of_money_write(name: str, description: str) -> None:
    assert classify(tool(name, description)).category == "Write"


@pytest.mark.parametrize(
    ("name", "description"),
    [
        ("swapTokens", ""),
        ("topup_credits", ""),
        ("purchase_hotel", ""),
        ("authorizePayment", ""),
        ("handle_request", "Transfers funds between two accounts"),
        ("place_limit_order", ""),
        ("send_sol", ""),
        ("create_refund", ""),
        ("order_pizza", ""),
        ("delegate", "Delegate tokens to a validator"),
    ],
)
def test_money_that_hides_is_found(name: str, description: str) -> None:
    assert classify(tool(name, description)).category == "Financial"


@pytest.mark.parametrize(
    ("name", "description"),
    [
        ("d1_database_delete", ""),
        ("git_reset", ""),
        ("git_reset", "Unstages all staged changes"),
        ("emptyTrash", ""),
        ("pop_first", "Remove and return the first element"),
        ("archive_project", "Archives a project. This cannot be undone."),
        ("write_file", "Create a file or completely overwrite what is there"),
        ("write_query", "Execute an INSERT, UPDATE, or DELETE query"),
        ("search_and_delete", ""),
        ("issue_write", "Add or remove an issue"),
        ("tidy", "Use this tool to permanently delete old records"),
        ("repos.delete-file", ""),
        ("deleteFile", ""),
        ("DELETE_FILE", ""),
    ],
)
def test_deletes_that_hide_are_found(name: str, description: str) -> None:
    assert classify(tool(name, description)).category == "Destructive"


def test_a_product_named_like_a_verb_is_no_verb() -> None:
    assert classify(tool("close_list_activities")).category == "Read"
    names = ["close_list_activities", "close_get_lead", "close_create_note", "close_delete_note"]
    found = [each.category for each in classify_all([tool(name) for name in names], "npm/close-server")]
    assert found == ["Read", "Read", "Write", "Destructive"]


def test_what_all_tools_do_is_no_product() -> None:
    found = classify_all([tool(f"delete_{name}") for name in ("page", "note", "user", "list")])
    assert {each.category for each in found} == {"Destructive"}


@pytest.mark.parametrize("name", ["webhook_subscribe", "fork_repository", "star_repo", "inbox_mark_all_read"])
def test_what_leaves_a_trace_is_no_read(name: str) -> None:
    assert classify(tool(name)).category == "Write"


def test_words_of_a_readme_are_no_tools() -> None:
    readme = (
        "Weather for any city.\n\n## Installation\n\nnpm install it, run it, delete the old one, pay the fee.\n" * 9
    )
    assert classify(tool("city_weather", readme)).category == "Read"


@pytest.mark.parametrize(
    ("action", "category"),
    [
        ({"enum": ["create", "delete_page"]}, "Destructive"),
        ({"oneOf": [{"const": "list"}, {"const": "purge"}]}, "Destructive"),
        ({"anyOf": [{"type": "string", "enum": ["get", "remove"]}, {"type": "null"}]}, "Destructive"),
        ({"description": "One of: list, submit, delete"}, "Destructive"),
        ({"enum": ["quote", "refund"]}, "Financial"),
        ({"enum": ["list", "get"]}, "Read"),
        ({"enum": ["GET", "POST", "DELETE"]}, "Execute"),
    ],
)
def test_what_to_do_as_an_argument_counts_as_all_of_it(action: dict[str, Any], category: str) -> None:
    assert classify(tool("page", "Works on pages", action={"type": "string", **action})).category == category


def test_an_action_that_a_reference_holds_counts_too() -> None:
    schema = {"properties": {"action": {"$ref": "#/$defs/Action"}}, "$defs": {"Action": {"enum": ["get", "delete"]}}}
    assert classify({"name": "page", "description": "Manages pages", "inputSchema": schema}).category == "Destructive"


def test_a_switch_that_deletes_makes_a_tool_destructive() -> None:
    assert classify(tool("rename_table", drop_target={"type": "boolean"})).category == "Destructive"


@pytest.mark.parametrize(
    ("description", "category"),
    [
        ("Execute a SQL query", "Execute"),
        ("Execute a SELECT query", "Read"),
        ("Run a read-only SQL query", "Read"),
        ("Run SQL. Raises an error in read-only mode", "Execute"),
        ("Run any SQL, not read-only", "Execute"),
    ],
)
def test_queries_count_by_what_they_may_say(description: str, category: str) -> None:
    assert classify(tool("run_query", description, sql={"type": "string"})).category == category


def test_a_language_that_only_asks_reads() -> None:
    assert classify(tool("run_query", "Run a PromQL query", query={"type": "string"})).category == "Read"


def test_commands_are_not_believed_to_only_read() -> None:
    shell = tool("run_command", "Runs a read-only command", command={"type": "string"})
    assert classify(shell).category == "Execute"


@pytest.mark.parametrize(
    ("description", "category"),
    [
        ("Use this tool to delete a page", "Destructive"),
        ("This tool deletes a page", "Destructive"),
        ("Allows you to delete a page", "Destructive"),
        ("Tool to list pages", "Read"),
        ("[Pages] Delete a page", "Destructive"),
        ("An advanced web content extraction tool", "Read"),
        ("Quickly read a page", "Read"),
        ("Check whether all is done and delete the list", "Destructive"),
        ("Perform a search over pages", "Read"),
        ("Perform a deletion of pages", "Destructive"),
        ("Generate an image of a page", "Write"),
        ("Generate a description of an image", "Read"),
        ("Add two numbers", "Read"),
        ("Add two pages", "Write"),
    ],
)
def test_a_description_is_read_by_its_grammar(description: str, category: str) -> None:
    assert classify(tool("", description)).category == category


@pytest.mark.parametrize(
    ("name", "description", "category"),
    [
        ("eliminar_usuario", "", "Destructive"),
        ("buscar_usuario", "", "Read"),
        ("删除文件", "", "Destructive"),
        ("tool_a", "删除一个页面", "Destructive"),
        ("tool_b", "获取一个页面", "Read"),
        ("tool_c", "ページを削除します", "Destructive"),
        ("tool_d", "페이지를 삭제합니다", "Destructive"),
        ("tool_e", "Удаляет страницу", "Destructive"),
        ("tool_f", "Получить страницу", "Read"),
        ("tool_g", "Sayfayı getirir", "Read"),
        ("dеlete_page", "", "Destructive"),  # the second letter is Cyrillic
        ("ｄｅｌｅｔｅ_page", "", "Destructive"),
    ],
)
def test_other_languages_and_letters_are_read(name: str, description: str, category: str) -> None:
    assert classify(tool(name, description)).category == category
