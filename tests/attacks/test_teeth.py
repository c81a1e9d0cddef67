"""The test of the tests: without what stops an attack, its case must fail, or the case shows nothing."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from toolgate.attacks.case import Case
from toolgate.attacks.playing import play_variant
from toolgate.attacks.reading import all_cases
from toolgate.attacks.stage import Stage, open_stage

from .relay import relayed

UNJUDGED = (sys.executable, "-m", "tests.attacks.unjudged")
JUDGED = frozenset({"policy", "approval", "pinning", "inspection"})
"""Parts of the gateway that are the evaluator; the others stand before it and go by themselves."""
STOPPED = [case for case in all_cases() if case.verdict != "NO"]
BY_EVALUATOR = [case for case in STOPPED if case.checked_by in JUDGED]
BY_OTHERS = [case for case in STOPPED if case.checked_by not in JUDGED]

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def unjudged() -> AsyncIterator[Stage]:
    async with open_stage(UNJUDGED) as stage:
        yield stage


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def relay() -> AsyncIterator[Stage]:
    async with open_stage() as stage, relayed(stage):
        yield stage


@pytest.mark.parametrize("case", BY_EVALUATOR, ids=[case.slug for case in BY_EVALUATOR])
async def test_with_the_evaluator_off_the_case_fails(unjudged: Stage, case: Case) -> None:
    checks = await play_variant(unjudged, case, "guarded")
    assert not all(check.held for check in checks)


@pytest.mark.parametrize("case", BY_OTHERS, ids=[case.slug for case in BY_OTHERS])
async def test_with_nothing_but_a_relay_the_case_fails(relay: Stage, case: Case) -> None:
    checks = await play_variant(relay, case, "guarded")
    assert not all(check.held for check in checks)
