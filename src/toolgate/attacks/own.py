"""The attacks against somebody's own policy: which it stops, by which rule, and which it does not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Final, Literal

import msgspec

from toolgate.attacks.case import Case, Verdict
from toolgate.attacks.playing import SECONDS, causes
from toolgate.attacks.scene import OwnPolicy, Scene, scene
from toolgate.attacks.stage import Stage, open_stage
from toolgate.audit.records import Decision
from toolgate.policy.compiler import compile_policy
from toolgate.policy.document import parse
from toolgate.policy.names import is_pattern, matches

Outcome = Literal["stopped", "limited", "gateway", "passes", "cannot", "no tool", "unclear"]
OUTCOMES: Final[dict[Outcome, str]] = {
    "stopped": "stopped by this policy",
    "limited": "limited by this policy",
    "gateway": "stopped by the gateway under any policy",
    "passes": "NOT stopped",
    "cannot": "no gateway can stop it",
    "no tool": "there is no such tool to abuse",
    "unclear": "could not be told",
}
_BY_POLICY: Final = frozenset({"policy", "inspection", "approval"})
"""What the words of a policy decide; everything else the gateway does by itself, as it does all of the protocol."""
_PROTOCOL: Final = "protocol-evasion"


class Tried(msgspec.Struct, frozen=True):
    """One attack against a policy: what came of it, by which rule, which tools stood for those of the case.

    `took` is in milliseconds.
    """

    slug: str
    verdict: Verdict
    outcome: Outcome
    rule: str = ""
    told: str = ""
    tools: dict[str, str] = {}
    took: int = 0

    @property
    def counts(self) -> bool:
        """Whether the attack says anything of this policy."""
        return self.outcome not in ("no tool", "cannot")

    @property
    def missing(self) -> bool:
        """Whether the policy lets through what a policy can stop."""
        return self.outcome in ("passes", "unclear")


async def try_all(cases: Sequence[Case], own: OwnPolicy, tell: Callable[[int, int], None]) -> list[Tried]:
    """Try every case; `tell` is told how many are done, of how many. Raises ToolgateError where no gateway starts."""
    tried: list[Tried] = []
    async with open_stage() as stage:
        for case in cases:
            tell(len(tried), len(cases))
            started = time.perf_counter()
            outcome = await _try(stage, case, own)
            took = int((time.perf_counter() - started) * 1000)
            tried.append(msgspec.structs.replace(outcome, took=took))
    return tried


async def _try(stage: Stage, case: Case, own: OwnPolicy) -> Tried:
    if case.verdict == "NO":
        return Tried(case.slug, case.verdict, "cannot", told=case.companion.text if case.companion else "")
    by_policy = case.checked_by in _BY_POLICY and case.kind != _PROTOCOL
    try:
        async with asyncio.timeout(SECONDS), scene(stage, case, "guarded", own if by_policy else None) as made:
            if by_policy and (absent := _absent(made, own)):
                return Tried(case.slug, case.verdict, "no tool", told=f"nothing stands for {', '.join(absent)}")
            await made.play()
            return _told(made, own) if by_policy else _by_itself(made)
    except Exception as error:  # noqa: BLE001 - the root of a run: what breaks it is told, and counts as not stopped
        return Tried(case.slug, case.verdict, "unclear", told="; ".join(causes(error)))


def _absent(made: Scene, own: OwnPolicy) -> list[str]:
    """The tools that the attack needs and that neither the other server nor the policy has."""
    case = made.case
    if own.tools:
        return sorted(case.tools - {tool for fitted in made.fitted.values() for tool in fitted})
    return sorted(tool for tool in case.tools if not _speaks_of(own.document, tool))


def _speaks_of(document: str, tool: str) -> bool:
    """Whether a policy that is tried without a server means this tool by its name."""
    read = parse(document)
    keys = read.raw.get("tools", {})
    named = any(matches(key, tool) if is_pattern(key) else key == tool for key in keys)
    return named or compile_policy(read).could_call(tool)


def _told(made: Scene, own: OwnPolicy) -> Tried:
    case = made.case
    pairs = [pair for fitted in made.fitted.values() for pair in fitted.items()]
    tools = {tool: fit.name for tool, fit in pairs if tool in case.tools}
    refusals = _refusals(made)
    rule = refusals[0].rule if refusals else ""
    if made.shows(case.success):
        return Tried(case.slug, case.verdict, "passes", rule, "the attack had its effect", tools)
    if not refusals and (unseen := _unseen(made, own)):
        told = f"the agent is not shown {', '.join(unseen)}, so it reads none of it"
        return Tried(case.slug, case.verdict, "stopped", "(default deny)", told, tools)
    if not refusals:
        return Tried(case.slug, case.verdict, "unclear", told="nothing was refused, and nothing happened", tools=tools)
    outcome: Outcome = "limited" if case.verdict == "BOUND" else "stopped"
    return Tried(case.slug, case.verdict, outcome, rule, refusals[0].message, tools)


def _unseen(made: Scene, own: OwnPolicy) -> list[str]:
    """Tools of the case that the policy does not show: what they say of themselves reaches nobody."""
    policy = compile_policy(parse(own.document))
    named = {tool["name"] for stub in made.stubs.values() for tool in stub.definitions()}
    fitted = {tool for fitted in made.fitted.values() for tool in fitted}
    return sorted(name for name in named - fitted if not policy.lists(name))


def _refusals(made: Scene) -> list[Decision]:
    return [each for each in made.decisions() if each.outcome != "allow"]


def _by_itself(made: Scene) -> Tried:
    """An attack on the gateway's own work, which no policy of a user changes."""
    case = made.case
    if made.shows(case.success):
        return Tried(case.slug, case.verdict, "passes", told="the attack had its effect")
    return Tried(case.slug, case.verdict, "gateway", case.stopped.rule if case.stopped else "")
