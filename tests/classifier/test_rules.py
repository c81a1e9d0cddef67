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
