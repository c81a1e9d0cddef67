"""The recommended document of any tools is valid and keeps to the table."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from toolgate.classifier.recommend import recommend, recommended_text
from toolgate.policy.compiler import compile_policy
from toolgate.policy.document import parse

names = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ["get_a", "delete_a", "create_a", "run", "pay", "rate_limit:run", "delete_*", "*", "a/b~c", "\ud800"]
    ),
)


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
def test_the_recommended_document_always_validates(tools: list[dict[str, str]]) -> None:
    document = parse(recommended_text(tools))
    assert document.raw == json.loads(json.dumps(recommend(tools)))


def test_a_tool_whose_name_reads_as_a_pattern_is_hidden() -> None:
    policy = compile_policy(parse(recommended_text([{"name": "get_*"}])))
    assert not policy.lists("get_*")
