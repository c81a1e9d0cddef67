"""Playing one case: every variant of it, and what each has to show."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

from toolgate import __version__
from toolgate.attacks.case import Case, Stopped
from toolgate.attacks.results import Check, CheckName, Played
from toolgate.attacks.scene import Scene, Variant, scene
from toolgate.attacks.stage import Stage
from toolgate.audit.records import Decision, Outcome

SECONDS: Final = 10.0
"""What one variant may take before it counts as failed; all of them together take less than two."""


async def play(stage: Stage, case: Case) -> Played:
    """Play a case in all its variants. What goes wrong on the way is a check that did not hold, never an exception."""
    started, now = time.perf_counter(), time.time()
    checks = [check for variant in _variants(case) for check in await play_variant(stage, case, variant)]
    took = int((time.perf_counter() - started) * 1000)
    rule = case.stopped.rule if case.stopped else ""
    return Played(case.slug, case.verdict, checks, rule, now, took, __version__)


def _variants(case: Case) -> list[Variant]:
    """What is played, in order."""
    wrong: list[Variant] = [] if case.verdict == "NO" else ["wrong"]
    companion: list[Variant] = ["companion"] if case.companion is not None and case.companion.shown else []
    return ["bare", "guarded", *wrong, *companion, "benign"]


async def play_variant(stage: Stage, case: Case, variant: Variant) -> list[Check]:
    """Play a case in one variant and look at what came of it. Raises nothing."""
    if case.checked_by == "control":
        await stage.awake()
    try:
        async with asyncio.timeout(SECONDS), scene(stage, case, variant) as made:
            await made.play()
            await made.settle()
            return _LOOKS[variant](made)
    except TimeoutError:
        return [Check(_NAMES[variant], False, f"took longer than {SECONDS:.0f} seconds")]
    except Exception as error:  # noqa: BLE001 - the root of a run: whatever breaks it is a case that does not hold
        return [Check(_NAMES[variant], False, "; ".join(causes(error)))]


def causes(error: BaseException) -> list[str]:
    """What went wrong in the end, out of groups of groups."""
    if isinstance(error, BaseExceptionGroup):
        return [cause for inner in error.exceptions for cause in causes(inner)]
    return [f"{type(error).__name__}: {error}"]


_NAMES: Final[dict[Variant, CheckName]] = {
    "bare": "bare",
    "guarded": "stopped",
    "wrong": "wrong",
    "companion": "companion",
    "benign": "benign",
}


def _look_bare(made: Scene) -> list[Check]:
    succeeded = made.shows(made.case.success)
    return [Check("bare", succeeded, _seen(made) if succeeded else f"did not succeed: {_seen(made)}")]


def _look_guarded(made: Scene) -> list[Check]:
    if made.case.verdict == "NO":
        passed = made.shows(made.case.success)
        return [Check("passes", passed, _seen(made) if passed else f"did not get through: {_seen(made)}")]
    stopped = made.case.stopped
    assert stopped is not None  # the case was checked when it was read
    faults = list(_faults(made, stopped))
    checks = [Check("stopped", not faults, "; ".join(faults) or _ended(made, stopped)), _recorded(made, stopped)]
    if made.case.remains is not None:
        remains = made.shows(made.case.remains)
        checks.append(
            Check("passes", remains, made.case.remains_text if remains else "what is said to remain did not happen")
        )
    return checks


def _ended(made: Scene, stopped: Stopped) -> str:
    """How it ended, in words."""
    if stopped.bound is not None:
        return f"limited as stated: {_seen(made)}"
    return f"nothing but an ordinary call arrives: {stopped.rule}" if stopped.ordinary else f"refused: {stopped.rule}"


def _faults(made: Scene, stopped: Stopped) -> list[str]:
    found = []
    if made.shows(made.case.success):
        found.append("it succeeded behind the gateway")
    if stopped.bound is not None and not made.shows(stopped.bound):
        found.append(f"the bound did not hold: {_seen(made)}")
    arrived = made.stubs[stopped.server].hits(stopped.tool) if stopped.tool else 0
    if stopped.bound is None and arrived > stopped.hits:
        found.append(f"{arrived} calls of {stopped.tool} arrived")
    return found


def _recorded(made: Scene, stopped: Stopped) -> Check:
    """The refusals that name the rule: as many as are said, each with grant, tool and digest of the arguments."""
    if made.case.checked_by == "inspection":
        return _cleaned(made, stopped)
    if stopped.records == 0:
        before = "refused before there is a decision; the journal adds such requests up"
        told = "nothing is refused: what arrives is allowed and recorded" if stopped.ordinary else before
        return Check("recorded", not _refusals(made), told)
    named = [each for each in _refusals(made) if each.rule == stopped.rule]
    whole = all(each.grant_id and (not stopped.tool or each.tool == stopped.tool) for each in named)
    held = len(named) == stopped.records and whole
    others = sorted({each.rule for each in _refusals(made)} - {stopped.rule})
    beside = f", besides {', '.join(others)}" if others else ""
    return Check("recorded", held, f"{len(named)} of {stopped.records} records name {stopped.rule}{beside}")


def _cleaned(made: Scene, stopped: Stopped) -> Check:
    """The answers of which something was taken away: the calls were allowed, so it stands in their outcomes."""
    calls = {each.decision_id for each in made.decisions()}
    outcomes = [each for each in made.recorded() if isinstance(each, Outcome) and each.decision_id in calls]
    cleaned = [each for each in outcomes if each.removed or each.redacted or each.withheld]
    told = f"{len(cleaned)} of {stopped.records} answers are recorded as cleaned by {stopped.rule}"
    return Check("recorded", len(cleaned) == stopped.records, told)


def _refusals(made: Scene) -> list[Decision]:
    return [each for each in made.decisions() if each.outcome != "allow"]


def _look_wrong(made: Scene) -> list[Check]:
    succeeded = made.shows(made.case.success)
    return [Check("wrong", succeeded, _seen(made) if succeeded else f"it stopped the attack after all: {_seen(made)}")]


def _look_companion(made: Scene) -> list[Check]:
    stopped = not made.shows(made.case.success)
    return [Check("companion", stopped, "stopped" if stopped else f"it succeeded all the same: {_seen(made)}")]


def _look_benign(made: Scene) -> list[Check]:
    succeeded = made.shows(made.case.benign.success)
    return [Check("benign", succeeded, made.case.benign.text if succeeded else f"was hindered: {_seen(made)}")]


def _seen(made: Scene) -> str:
    """The effects of a run in few words."""
    noted = {f"{name}.{effect}": entries for name, stub in made.stubs.items() for effect, entries in stub.noted.items()}
    noted |= made.noted
    return ", ".join(f"{effect} {len(entries)}" for effect, entries in noted.items()) or "no effect was seen"


_LOOKS: Final[dict[Variant, Callable[[Scene], list[Check]]]] = {
    "bare": _look_bare,
    "guarded": _look_guarded,
    "wrong": _look_wrong,
    "companion": _look_companion,
    "benign": _look_benign,
}
