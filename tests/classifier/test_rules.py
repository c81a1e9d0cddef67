"""Rules that decide between two readings: what stands behind `to`, what a name ends with, what a switch deletes."""

from __future__ import annotations

from typing import Any

import pytest

from toolgate.classifier.classify import classify, classify_all

BOOLEAN = {"type": "boolean"}
TEXT = {"type": "string"}


def category(name: str, description: str = "", **properties: Any) -> str:
    given = {"name": name, "description": description, "inputSchema": {"type": "object", "properties": properties}}
    return classify(given).category


@pytest.mark.parametrize(
    ("name", "description", "expected"),
    [
        ("attach_to_process", "", "Execute"),
        ("watch_it", "Attach to a running process", "Execute"),
        ("place_quick_order", "", "Financial"),
        ("deploy_plan_get", "Writes down a plan", "Read"),
        ("wipe_then_get", "", "Destructive"),
        ("check_domain", "Submit a name to check its availability.", "Read"),
        ("create_chat_completion", "Creates a chat completion", "Read"),
        ("vm_power_state", "Change the power state", "Execute"),
        ("delete_review_request", "Disables the request for a review.", "Destructive"),
        ("customize_template", "Retrieves the template as it was customised.", "Read"),
        ("update_template", "Retrieves the template and its text.", "Write"),
        ("sync_status", "", "Read"),
        ("set_status", "", "Write"),
        ("optimize_route", "Optimizes an existing route.", "Write"),
        ("optimize_route", "Optimizes a route.", "Read"),
        ("helper", "Uses a model to delete pages", "Destructive"),
        ("team_review", "Perform a thorough code review of a change", "Read"),
        ("move_mail", "Moves the mail and deletes the original.", "Destructive"),
        ("batch", "Batch update tags of several notes", "Write"),
        ("query_store", "Execute a SQL query against the store", "Execute"),
        ("image_generation", "", "Write"),
        ("sober_thinking_analysis", "", "Read"),
        ("deepreasoning", "", "Read"),
        ("stock", "Agent for market analysis", "Read"),
        ("times_table", "Multiply two numbers", "Read"),
        ("style", "Apply a style to the page", "Write"),
        ("lock", "Enable the lock of a page", "Write"),
        ("finder", "Enables users to find pages", "Read"),
        ("end_it", "Force stop a service", "Execute"),
        ("list_frames", "Runs the frame plugin to list frames", "Read"),
        ("run_frames", "Runs the frame plugin to list frames", "Read"),
        ("run_frames", "Runs the frame plugin to delete frames", "Execute"),
        ("run_tests", "Get instructions for running tests", "Read"),
        ("permit", "Check if a user may read a page", "Read"),
        ("permit", "Check if a page is old and delete the page", "Destructive"),
        ("get_note", "Get or create the note of today", "Write"),
        ("market_agent", "Specialised agent for market analysis", "Read"),
        ("market_agent", "", "Execute"),
        ("process_auth_code", "Process the authorization code", "Write"),
        ("process_step", "Process a code snippet", "Execute"),
        ("drag_and_drop", "", "Execute"),
        ("drop_it", "", "Destructive"),
        ("code_review", "A thorough code review with advice", "Read"),
        ("download_report", "Download a report to local storage", "Write"),
        ("download_report", "Download a report", "Read"),
        ("note_manager", "", "Write"),
    ],
)
def test_rules_of_name_and_description(name: str, description: str, expected: str) -> None:
    assert category(name, description) == expected


def test_what_is_deleted_later_is_a_setting() -> None:
    assert category("create_repository", delete_branch_on_merge=BOOLEAN) == "Write"
    assert category("create_repository", delete_existing=BOOLEAN) == "Destructive"


def test_a_subscription_with_a_way_to_pay_is_paid() -> None:
    assert category("create_subscription", paymentMethodId=TEXT) == "Financial"
    assert category("create_subscription", topic=TEXT) == "Write"
    assert category("create_customer", paymentMethodId=TEXT) == "Write"


def test_a_query_in_sql_by_its_parameter_is_run() -> None:
    assert category("query_store", sql_query=TEXT) == "Execute"
    assert category("query_store", query=TEXT) == "Read"


def test_a_session_of_a_browser_is_a_browser_that_starts() -> None:
    assert classify_all([{"name": "create_session"}], "browser-server")[0].category == "Execute"
    assert classify_all([{"name": "create_session"}], "notes-server")[0].category == "Write"


def test_a_choice_of_any_http_method_is_run_where_something_is_sent() -> None:
    methods = {"enum": ["GET", "POST", "DELETE"]}
    assert category("send_hook", method=methods) == "Execute"
    assert category("query_network", method=methods, body=TEXT) == "Execute"
    assert category("api_request", "Make a request", method={**TEXT, "description": "GET, POST or DELETE"}) == "Execute"
    assert category("create_hook", method=methods) == "Write"


def test_parts_of_what_is_written_are_no_actions() -> None:
    patch = {"type": "array", "items": {"properties": {"op": {"enum": ["add", "remove", "replace", "test"]}}}}
    rules = {"type": "array", "items": {"properties": {"action": {"enum": ["ACCEPT", "DROP"]}}}}
    assert category("update_item", document=patch) == "Write"
    assert category("create_firewall", rules=rules) == "Write"
    assert category("calculator", operation={"enum": ["add", "subtract", "multiply"]}) == "Read"
    fields = {"type": "array", "items": {"properties": {"delete": BOOLEAN}}}
    assert category("set_fields", fields=fields) == "Write"


def test_rows_that_are_changed_by_what_the_caller_says_in_sql_are_run() -> None:
    assert category("insert_data", query=TEXT) == "Execute"
    assert category("insert_data", query=TEXT, rows=TEXT, table=TEXT) == "Write"
    assert category("save_filter", query=TEXT) == "Write"


def test_parameters_speak_where_nothing_else_does() -> None:
    assert category("user_favorites", limit={"type": "integer"}) == "Read"
    assert category("user_favorites") == "Execute"
    assert category("deepmind", thought=TEXT, totalThoughts={"type": "integer"}) == "Read"


def test_a_screenshot_that_may_be_kept_is_a_read() -> None:
    assert category("screenshot", "Get a screenshot of the page", savePath=TEXT) == "Read"
    assert category("get_page", "Get the page", savePath=TEXT) == "Write"


@pytest.mark.parametrize(
    ("name", "description", "expected"),
    [
        ("delete_pages", "Get instructions for deleting pages", "Destructive"),
        ("pay_invoice", "Get instructions for paying", "Financial"),
        ("delete_agent", "Specialised agent for market analysis", "Destructive"),
        ("deploy", "Check if the build is ready", "Execute"),
    ],
)
def test_no_description_calms_a_name_that_says_worse(name: str, description: str, expected: str) -> None:
    assert category(name, description) == expected


def test_no_parameter_calms_a_name_that_acts() -> None:
    number = {"type": "integer"}
    assert category("delete_pages", totalThoughts=number) == "Destructive"
    assert category("send_mail", totalThoughts=number) == "Write"
    assert category("helper", "Deletes pages", totalThoughts=number) == "Destructive"
    assert category("delete_pages", limit=number) == "Destructive"
    assert category("items", action={"enum": ["add", "remove", "replace", "test"]}) == "Destructive"
    assert category("calculator", operation={"enum": ["add", "subtract", "multiply", "delete_all"]}) == "Destructive"
