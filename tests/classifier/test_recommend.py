"""The recommended document of any tools is valid and keeps to the table."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.policy.calling import call

from toolgate.classifier.classify import classify_all
from toolgate.classifier.recommend import recommend, recommended_text
from toolgate.policy.compiler import compile_policy
from toolgate.policy.document import Document, parse
from toolgate.policy.lint import lint

ODD = [
    "get_a",
    "delete_a",
    "create_a",
    "run",
    "pay",
    "rate_limit:run",
    "_rate_limit:run",
    "delete_*",
    "*",
    "a/b~c",
    "\ud800",
]
names = st.one_of(st.text(max_size=12), st.sampled_from(ODD))


def named(*names: str) -> list[dict[str, Any]]:
    return [{"name": name} for name in names]


def test_each_category_has_its_rule() -> None:
    document = recommend({"name": name} for name in ("get_it", "create_it", "run_it", "delete_it", "pay_it"))
    limit = {"window": "minute", "scope": "grant"}
    assert document == {
        "version": "1",
        "default": "deny",
        "hide": ["delete_it"],
        "tools": {
            "get_it": {},
            "create_it": {"limits": [{"counter": "create_it_rate", "max": 30, **limit}]},
            "run_it": {"limits": [{"counter": "run_it_rate", "max": 10, **limit}]},
            "pay_it": {"action": "require_approval", "reason": "It moves or commits money."},
        },
    }


@given(st.lists(st.builds(lambda name: {"name": name}, names), max_size=8))
def test_the_recommended_document_always_validates_without_a_finding(tools: list[dict[str, str]]) -> None:
    document = parse(recommended_text(tools))
    assert document.raw == json.loads(json.dumps(recommend(tools)))
    assert lint(document) == []


def test_a_tool_whose_name_reads_as_a_pattern_is_denied_and_takes_no_other_with_it() -> None:
    policy = compile_policy(parse(recommended_text(named("get_*", "*", "get_a"))))
    assert not policy.lists("get_*")
    assert not policy.lists("*")
    assert call(policy, name="get_*").outcome == "deny"
    assert call(policy, name="get_a").outcome == "allow"


def test_what_is_hidden_is_neither_shown_nor_called() -> None:
    policy = compile_policy(parse(recommended_text(named("delete_it", "get_it"))))
    assert (policy.lists("delete_it"), call(policy, name="delete_it").rule) == (False, "(hidden)")


def test_of_tools_with_one_name_the_riskiest_counts() -> None:
    harmless = {"name": "manage", "description": "Gets it."}
    harmful = {"name": "manage", "description": "Deletes it permanently, which cannot be undone."}
    for tools in ([harmless, harmful], [harmful, harmless]):
        document = recommend(tools)
        assert (document["hide"], document["tools"]) == (["manage"], {})


def test_each_tool_has_a_counter_of_its_own() -> None:
    counters = [
        entry["limits"][0]["counter"]
        for entry in recommend(named("rate_limit:run", "_rate_limit:run", "__rate_limit:run", "run"))["tools"].values()
    ]
    assert len(set(counters)) == 4
    assert not any(counter.startswith("rate_limit:") for counter in counters)


def test_what_was_classified_already_is_not_classified_again() -> None:
    tools = named("get_it")
    assert recommend(tools, classified=classify_all(named("delete_it")))["hide"] == ["get_it"]


def test_two_thousand_tools_make_one_valid_document() -> None:
    document = recommend(named(*(f"create_{place}" for place in range(2000))))
    assert len(Document.checked(document).raw["tools"]) == 2000
