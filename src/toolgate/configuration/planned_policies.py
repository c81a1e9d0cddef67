"""Policies of a configuration beside those of the database."""

from __future__ import annotations

from functools import partial

from toolgate.configuration.document import Configuration
from toolgate.configuration.plan import Plan, Run, Step
from toolgate.configuration.present import Present, PresentPolicy
from toolgate.store import policies
from toolgate.store.names import escaped
from toolgate.store.origins import take_over


def plan_policies(plan: Plan, configuration: Configuration, present: Present) -> None:
    """Add and revise: the same text makes no new revision."""
    for name, given in configuration.policies.items():
        known = present.policies.get(name)
        if known is None:
            run = partial(policies.store, name=name, text=given.text, origin=configuration.origin)
            plan.steps.append(Step("+", "policy", name, (), (run,)))
        else:
            _change(plan, known, given.text, configuration.origin)


def _change(plan: Plan, known: PresentPolicy, text: str, origin: str) -> None:
    details: list[str] = []
    runs: list[Run] = []
    if policies.digest_of(text) != known.digest:
        details.append(f"revision {known.revision} -> {known.revision + 1}")
        runs.append(partial(policies.store, name=known.name, text=text))
    if known.origin not in (None, origin):
        details.append(f"taken over from {escaped(str(known.origin))}")
        runs.append(partial(take_over, kind="policy", row_id=known.id, before=str(known.origin), origin=origin))
    plan.step("policy", known.name, details, runs)
