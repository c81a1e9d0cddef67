"""Flows in a trial: which tools were used before is assumed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from toolgate.policy.decision import Subject, Verdict
from toolgate.policy.definition import Tool
from toolgate.policy.document import Document
from toolgate.policy.explain import Step
from toolgate.policy.flows import read_flows
from toolgate.policy.marks import Marks
from toolgate.policy.words import flow_denial


def after(document: Document, verdict: Verdict, name: str, subject: Subject, earlier: Iterable[Tool]) -> Verdict:
    """The verdict on a call of the tool `name` that comes after these, each of them forwarded lately in one session."""
    flows, marks = read_flows(document.raw), Marks()
    for tool in earlier:
        for flow in flows:
            marks.set(flow.charge(tool.name, tool.category, subject))
    refused = next((charge for charge in verdict.charges if marks.refuse(charge)), None)
    if refused is None:
        return verdict
    denying = next(flow for flow in flows if flow.pointer == refused.rule)
    return Verdict("deny", denying.pointer, flow_denial(denying, name, denying.ends(subject)))


def denied_at(steps: tuple[Step, ...], rule: str) -> tuple[Step, ...]:
    """The steps of a call that a flow denies: the limiter knows that, and the document alone does not."""
    at = next((place for place, step in enumerate(steps) if step.pointer == rule), len(steps))
    later = [replace(step, effect="unreached") for step in steps[at + 1 :]]
    return (*steps[:at], *(replace(step, effect="denies", truth="true") for step in steps[at : at + 1]), *later)
