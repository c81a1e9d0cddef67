"""The golden cases, in the format and through the runner that users have."""

from __future__ import annotations

from pathlib import Path

import pytest

from toolgate.policy.cases import run_cases

FILES = sorted((Path(__file__).parent / "cases").glob("*.json"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_golden_cases_come_out_as_written(path: Path) -> None:
    report = run_cases(path.read_bytes())
    failed = {result.note: result.differences for result in report.results if not result.passed}
    assert not failed
    assert report.results


UNREACHABLE = {
    "/tools/never/require/0",  # always holds
    "/tools/unknown/deny_if/0",  # its tool has no definition
    "/tools/heavy/limits/0",  # `max` of the other limit of its counter is lower
    "/tools/twice/limits/0",  # likewise
}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_golden_cases_reach_every_rule_that_can_be_reached(path: Path) -> None:
    assert set(run_cases(path.read_bytes()).uncovered) <= UNREACHABLE
