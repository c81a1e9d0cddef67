"""Flows in a trial: which tools were used before is assumed, and the marks are those of the limiter."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from toolgate.limits.windows import MarkWindow
from toolgate.policy.decision import Charge, Mark, Subject, Verdict
from toolgate.policy.definition import Tool
from toolgate.policy.document import Document
from toolgate.policy.explain import Step
from toolgate.policy.flows import read_flows
from toolgate.policy.words import flow_denial


def after(document: Document, verdict: Verdict, name: str, subject: Subject, earlier: Iterable[Tool]) -> Verdict:
    """The verdict on a call of the tool `name` that comes after these, each of them forwarded lately in one session."""
    marks: dict[str, MarkWindow] = {}
    for tool in earlier:
        for flow in read_flows(document.raw):
            _set(marks, flow.charge(tool.name, tool.category, subject))
    refused = next((charge for charge in verdict.charges if _refuses(marks, charge)), None)
    return verdict if refused is None else _denied(document, refused, name, subject)


def _denied(document: Document, charge: Charge, name: str, subject: Subject) -> Verdict:
    flow = next(flow for flow in read_flows(document.raw) if flow.pointer == charge.rule)
    lasting = flow.lasts(subject) if flow.seconds or not subject.session_id else 0
    return Verdict("deny", flow.pointer, flow_denial(flow, name, lasting))


def _set(marks: dict[str, MarkWindow], charge: Charge) -> None:
    assert isinstance(charge.window, Mark)
    marks.setdefault(charge.key, MarkWindow(charge.key, charge.window.seconds, 0.0)).take("", 0.0, charge.amount)


def _refuses(marks: dict[str, MarkWindow], charge: Charge) -> bool:
    return isinstance(charge.window, Mark) and charge.key in marks and marks[charge.key].refuses(charge.maximum)


def denied_at(steps: tuple[Step, ...], rule: str) -> tuple[Step, ...]:
    """The steps of a call that a flow denies: the limiter knows that, and the document alone does not."""
    at = next((place for place, step in enumerate(steps) if step.pointer == rule), len(steps))
    later = [replace(step, effect="unreached") for step in steps[at + 1 :]]
    return (*steps[:at], *(replace(step, effect="denies", truth="true") for step in steps[at : at + 1]), *later)
