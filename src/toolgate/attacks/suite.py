"""Many cases on one stage, one after the other: a case must not slow down, or be seen by, another one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from toolgate.attacks.case import Case
from toolgate.attacks.playing import play
from toolgate.attacks.results import Played
from toolgate.attacks.stage import open_stage

Tell = Callable[[int, int], None]


async def play_all(cases: Sequence[Case], tell: Tell) -> list[Played]:
    """Play every case; `tell` is told how many are done, of how many. Raises ToolgateError where no gateway starts."""
    played: list[Played] = []
    async with open_stage() as stage:
        for case in cases:
            tell(len(played), len(cases))
            played.append(await play(stage, case))
    return played
