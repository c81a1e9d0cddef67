"""What the catalogue knows, applied to a registered server: rules for its own tools, never laxer than they ask for."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from toolgate.catalogue.applying import apply_entries, merged, only, opened
from toolgate.catalogue.entries import ToolEntry
from toolgate.classifier.classify import RISK, Category, Classification
from toolgate.policy.document import Document


def entry(name: str, category: Category, *parameters: str) -> ToolEntry:
    return ToolEntry("s", "s", name, name, category, RISK[category], "high", (), (), parameters)


def tool(name: str, *parameters: str) -> dict[str, Any]:
    return {"name": name, "inputSchema": {"type": "object", "properties": {each: {} for each in parameters}}}


def judged(*categories: Category) -> list[Classification]:
    return [Classification(each, RISK[each], "high", (), ()) for each in categories]


def test_the_riskier_of_catalogue_and_definition_counts() -> None:
    entries = [entry("a", "Destructive", "x"), entry("b", "Read", "x")]
    applied = apply_entries(entries, [tool("a", "x"), tool("b", "x")], "", judged("Read", "Financial"))
    assert applied.document["hide"] == ["a"]
    assert applied.document["tools"]["b"]["action"] == "require_approval"
    assert [(each.category, each.known, each.agrees) for each in applied.tools] == [
        ("Destructive", "Destructive", True),
        ("Financial", "Read", True),
    ]


def test_what_is_missing_extra_and_different_is_told() -> None:
    entries = [entry("here", "Read", "x"), entry("gone", "Read"), entry("changed", "Read", "x")]
    tools = [tool("here", "x"), tool("new"), tool("changed", "x", "y")]
    applied = apply_entries(entries, tools, "", judged("Read", "Write", "Read"))
    assert (applied.missing, applied.extra, applied.different) == (("gone",), ("new",), ("changed",))
    assert list(applied.document["tools"]) == ["here", "new", "changed"]


def test_safeguards_go_by_the_parameters_that_the_registered_tool_has() -> None:
    applied = apply_entries([entry("read", "Read", "url")], [tool("read", "path")], "", judged("Read"), safeguards=True)
    assert [each.pointer for each in applied.fill_ins] == ["/tools/read/require/0/conditions/0/value"]
    assert applied.document["tools"]["read"]["require"][0]["conditions"][0]["op"] == "path_under"


PRESENT = {
    "version": "1",
    "default": "deny",
    "description": "mine",
    "hide": ["old", "list_*", "open_me"],
    "all_tools": {"rate_limit": "60/minute"},
    "tools": {"theirs": {}, "close_me": {}, "change_me": {"action": "deny"}},
}
DRAFT = {
    "version": "1",
    "default": "deny",
    "hide": ["close_me", "old"],
    "tools": {"open_me": {}, "change_me": {"rate_limit": "1/minute"}, "list_all": {}},
}


def test_only_what_the_draft_speaks_of_changes() -> None:
    assert merged(PRESENT, DRAFT) == {
        "version": "1",
        "default": "deny",
        "description": "mine",
        "hide": ["old", "list_*", "close_me"],
        "all_tools": {"rate_limit": "60/minute"},
        "tools": {"theirs": {}, "change_me": {"rate_limit": "1/minute"}, "open_me": {}},
    }
    assert merged(merged(PRESENT, DRAFT), DRAFT) == merged(PRESENT, DRAFT)


def test_a_draft_can_be_cut_down_to_one_tool() -> None:
    assert only(DRAFT, "open_me") == {"version": "1", "default": "deny", "tools": {"open_me": {}}}
    assert only(DRAFT, "old") == {"version": "1", "default": "deny", "hide": ["old"], "tools": {}}


def test_what_is_opened_is_named() -> None:
    before, after = Document.checked(PRESENT), Document.checked(merged(PRESENT, DRAFT))
    assert opened(before, after, ["theirs", "close_me", "open_me", "change_me", "list_all"]) == ["open_me", "change_me"]


names = st.sampled_from(["a", "b", "c", "d", "a*"])
documents = st.builds(
    lambda hide, tools: {"version": "1", "default": "deny", "hide": hide, "tools": {key: {} for key in tools}},
    st.lists(names, max_size=3, unique=True),
    st.lists(names, max_size=3, unique=True),
)
drafts = st.builds(
    lambda ours, place: {
        "version": "1",
        "default": "deny",
        **({"hide": ours[:place]} if ours[:place] else {}),
        "tools": {key: {} for key in ours[place:]},
    },
    st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=4, unique=True),
    st.integers(0, 4),
)


@given(documents, drafts)
def test_a_merged_policy_is_valid_hides_what_the_draft_hides_and_leaves_the_rest(
    present: dict[str, Any], draft: dict[str, Any]
) -> None:
    result = merged(json.loads(json.dumps(present)), draft)
    Document.checked(result)
    assert set(draft.get("hide", ())) <= set(result.get("hide", ()))
    spoken = {*draft["tools"], *draft.get("hide", ())}
    for name in {*present["tools"], *present["hide"]} - spoken:
        assert (name in result["tools"]) == (name in present["tools"])
        assert (name in result.get("hide", ())) == (name in present["hide"])
