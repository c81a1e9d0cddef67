"""The page for users: every example runs, and nothing of the language is left out."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from tests.policy.calling import verdict_of

from toolgate.policy import lint as lints
from toolgate.policy.cases import run_cases
from toolgate.policy.document import parse
from toolgate.policy.published import schema
from toolgate.policy.typed import OPERATORS, SQL_DIALECTS, SQL_KINDS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "policy.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```json( cases)?\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
ROWS = re.findall(r"^\| `(\w+)` \| `(\{.*?\})` \| `(\{.*?\})` \| `(\{.*?\})` \| `(\{.*?\})` \|$", PAGE, re.MULTILINE)


@pytest.mark.parametrize("text", [text for cases, text in BLOCKS if not cases])
def test_every_policy_of_the_page_is_valid_and_has_no_findings(text: str) -> None:
    assert lints.lint(parse(text)) == []


@pytest.mark.parametrize("text", [text for cases, text in BLOCKS if cases])
def test_every_case_of_the_page_comes_out_as_written(text: str) -> None:
    report = run_cases(text)
    assert [result.differences for result in report.results if not result.passed] == []
    assert report.results


@pytest.mark.parametrize(("name", "condition", "true", "false", "undefined"), ROWS, ids=[row[0] for row in ROWS])
def test_every_row_of_operators_is_right(name: str, condition: str, true: str, false: str, undefined: str) -> None:
    rule = {"conditions": [json.loads(condition)]}
    assert rule["conditions"][0]["op"] == name
    assert [verdict_of(rule, arguments) for arguments in (true, false, undefined)] == [True, False, None]


def test_every_operator_has_its_row_and_stands_in_the_schema() -> None:
    assert [row[0] for row in ROWS] == list(OPERATORS)
    assert schema()["$defs"]["condition"]["properties"]["op"]["enum"] == list(OPERATORS)
    assert schema()["$defs"]["condition"]["properties"]["dialect"]["enum"] == list(SQL_DIALECTS)


def test_every_key_dialect_kind_and_lint_is_on_the_page() -> None:
    keys = {*schema()["properties"], *schema()["$defs"]["tool"]["properties"], *SQL_DIALECTS, *SQL_KINDS}
    keys |= {*schema()["$defs"]["limit"]["properties"], "cost", "settle", "zone", "timeout", "on_deny", "conditions"}
    source = Path(lints.__file__).read_text(encoding="utf-8")
    keys |= set(re.findall(r'"([a-z]+-[a-z]+)"', source))
    assert {key for key in keys if f"`{key}`" not in PAGE and f'"{key}"' not in PAGE} == set()
