"""Every case of the attack database, played in all its variants against a real gateway."""

from __future__ import annotations

from collections.abc import AsyncIterator

import psutil
import pytest
import pytest_asyncio

from toolgate.attacks.case import Case, Verdict
from toolgate.attacks.playing import play
from toolgate.attacks.reading import all_cases
from toolgate.attacks.results import CheckName
from toolgate.attacks.stage import Stage, open_stage

CASES = all_cases()
WANTED: dict[Verdict, set[CheckName]] = {
    "STOP": {"bare", "stopped", "wrong", "recorded", "benign"},
    "BOUND": {"bare", "stopped", "wrong", "recorded", "benign"},
    "PART": {"bare", "stopped", "wrong", "recorded", "benign"},
    "NO": {"bare", "passes", "benign"},
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage() -> AsyncIterator[Stage]:
    async with open_stage() as opened:
        yield opened


@pytest.mark.slow
@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("case", CASES, ids=[case.slug for case in CASES])
async def test_a_case_is_as_its_page_says(stage: Stage, case: Case) -> None:
    played = await play(stage, case)
    assert [check for check in played.checks if not check.held] == []
    assert WANTED[case.verdict] <= {check.name for check in played.checks}
    assert ("passes" in {check.name for check in played.checks}) == (case.verdict == "NO" or case.remains is not None)
    assert ("companion" in {check.name for check in played.checks}) == bool(case.companion and case.companion.shown)


def test_the_sixty_documented_attacks_are_there_once_each() -> None:
    assert [case.number for case in CASES if case.number <= 60] == list(range(1, 61))
    assert len({case.slug for case in CASES}) == len(CASES)


@pytest.mark.slow
async def test_a_stage_leaves_nothing_behind() -> None:
    others = set(psutil.Process().children(recursive=True))
    async with open_stage() as opened:
        started = set(psutil.Process().children(recursive=True)) - others
        await play(opened, CASES[-1])
    assert started
    assert not [child for child in started if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]
    assert not opened.folder.exists()
