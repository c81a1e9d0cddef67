"""docs/approvals.md names a test for each race; a name that is gone would promise what nobody checks."""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "approvals.md"


def test_every_test_that_the_page_names_is_there() -> None:
    named = set(re.findall(r"`(test_\w+)`", PAGE.read_text()))
    defined = {name for file in HERE.glob("test_*.py") for name in re.findall(r"def (test_\w+)", file.read_text())}
    assert len(named) > 10
    assert named <= defined


def test_every_race_of_the_page_has_a_test() -> None:
    rows = PAGE.read_text().partition("## Who is first")[2].partition("\n## ")[0]
    assert all("`test_" in row for row in re.findall(r"^\| (?!at once|---).*$", rows, re.MULTILINE))
