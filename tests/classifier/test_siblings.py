"""What the other tools of a server, its name and the author's claims add."""

from __future__ import annotations

from typing import Any

from toolgate.classifier.classify import classify, classify_all


def categories(names: list[str], server: str = "", told: str = "") -> list[str]:
    return [each.category for each in classify_all([{"name": name, "description": told} for name in names], server)]


def test_tools_that_nothing_speaks_of_learn_from_names_that_begin_alike() -> None:
    tools = [{"name": f"frob_{each}", "description": "Shows it."} for each in ("one", "two", "three")]
    found = classify_all([*tools, {"name": "frob_four"}, {"name": "quux"}])
    assert [each.category for each in found[3:]] == ["Read", "Execute"]
    assert (found[3].confidence, found[3].evidence) == ("low", ("other tools with `frob` in their name",))


def test_a_plural_reads_where_the_other_tools_read() -> None:
    reads = ["list_users", "get_course", "search_notes"]
    assert categories([*reads, "courses"])[3] == "Read"
    assert categories([*reads, "course"])[3] == "Execute"
    assert categories(["delete_user", "get_course", "add_note", "courses"])[3] == "Execute"


def test_what_a_server_is_for_changes_what_words_mean() -> None:
    assert categories(["transfer"], "acme/notes") == ["Write"]
    assert categories(["transfer"], "acme/wallet-mcp") == ["Financial"]
    assert categories(["close", "select_row"], "acme/notes") == ["Write", "Read"]
    assert categories(["close", "select_row"], "acme/browser-mcp") == ["Execute", "Execute"]
    assert categories(["close", "click", "hover", "navigate"], "acme/notes")[0] == "Execute"


def test_a_claim_raises_what_is_not_sure_and_nothing_else() -> None:
    def judged(name: str, told: str = "", **claims: Any) -> str:
        return classify({"name": name, "description": told, "annotations": claims}).category

    assert judged("order_status") == "Read"
    assert judged("network_overview", readOnlyHint=False) == "Write"
    assert judged("network_overview", destructiveHint=True) == "Destructive"
    assert judged("update_note", "Update a note", destructiveHint=True) == "Write"
    assert judged("get_note", "Get a note", readOnlyHint=False, destructiveHint=True) == "Read"
    assert judged("delete_note", readOnlyHint=True) == "Destructive"
