"""`/attacks/<slug>`: one documented attack, how it works, what stops it, what does not, and how to see that oneself."""

from __future__ import annotations

import json
from collections.abc import Container, Mapping, Sequence
from typing import Any, Final

import msgspec

from toolgate.attacks.case import Case, Sending, Step
from toolgate.attacks.kinds import KINDS
from toolgate.attacks.results import TITLES, Played
from toolgate.classifier.recommend import written
from toolgate.design.filters import cut
from toolgate.design.page import Page
from toolgate.site.addressed import outward
from toolgate.site.attack_links import SECTION, attack_brief, kind_path, one_line, paragraphs
from toolgate.site.diagram import diagram
from toolgate.site.frameworks import named_by
from toolgate.site.making import catalogue_page
from toolgate.site.surroundings import Surroundings
from toolgate.site.told import SIGNALS, signal_name
from toolgate.site.verdicts import ALWAYS, GRADES, STOPPERS, VERDICTS, told_effect

_MESSAGE: Final = 300
"""Characters of a message that the page shows; the twin has it whole."""


def attack_page(
    here: Surroundings,
    case: Case,
    tools: Sequence[Mapping[str, str]] = (),
    last: Played | None = None,
    unreadable: str = "",
    listed: Container[str] = SIGNALS,
) -> Page:
    """The page. `tools` (`tool_link`) are some that the attack abuses.

    `last` is what came of the case when this installation played it last, None where it did not, or where the reader
    is not told. `unreadable` says why that is not known. `listed` are the signals that have a page here.
    """
    data = {**attack_facts(case), **_addresses(here, case, listed), "tools": list(tools), "last": _last(last)}
    return catalogue_page(
        here,
        "attack",
        case.title,
        (SECTION, case.slug),
        data,
        one_line(case.summary),
        told=VERDICTS[case.verdict],
        told_in_short=data["summary"],
        kind_title=KINDS[case.kind].title,
        kind_href=here.at(*kind_path(case.kind)),
        list_href=here.at(SECTION),
        grades=GRADES,
        outward=outward,
        diagram=diagram(case.steps, case.stopped),
        several=len({*case.policies, *case.wrong.policies}) > 1,
        recommended=_written(data["policies"]),
        tempting=_written(data["wrong"]["policies"]),
        sendings=[(each.note, _said(each), each.status) for each in case.sends],
        unreadable=unreadable,
    )


def attack_facts(case: Case) -> dict[str, Any]:
    """All that the attack database says of a case, as JSON has it."""
    return {
        **attack_brief(case),
        "means": VERDICTS[case.verdict].means,
        "summary": paragraphs(case.summary),
        "how": paragraphs(case.how),
        "steps": [_step(step) for step in case.steps],
        "sends": msgspec.to_builtins(case.sends),
        "proof": told_effect(case.success),
        "sources": [
            {**msgspec.to_builtins(source), "says": one_line(source.says), "read": GRADES[source.grade].means}
            for source in case.sources
        ],
        **_mend(case),
        "residual": paragraphs(case.residual),
        "run": f"toolgate attack run {case.slug}",
    }


def _mend(case: Case) -> dict[str, Any]:
    """What stops it, what does not although it looks so, what goes on working, and what remains."""
    stopped = case.stopped
    return {
        "stopped_by": STOPPERS[case.checked_by] if stopped else "",
        "rule": stopped.rule if stopped else "",
        "bound": told_effect(stopped.bound) if stopped and stopped.bound else "",
        "policies": {server: json.loads(text) for server, text in case.policies.items()},
        "always": case.checked_by in ALWAYS,
        "command": one_line(case.command),
        "wrong": {
            "reason": paragraphs(case.wrong.reason),
            "setting": one_line(case.wrong.setting),
            "policies": {server: json.loads(text) for server, text in case.wrong.policies.items()},
        },
        "benign": {"text": one_line(case.benign.text), "proof": told_effect(case.benign.success)},
        "remains": paragraphs(case.remains_text) or ([told_effect(case.remains)] if case.remains else []),
        "companion": case.companion
        and {"text": one_line(case.companion.text), "shown": case.companion.shown, "rule": case.companion.rule},
    }


def _step(step: Step) -> dict[str, Any]:
    """A step without what it leaves open."""
    told = {"from": step.sender, "to": step.receiver, "text": one_line(step.text)}
    done = {"list": step.list, "call": step.call, "server": step.server, "arguments": step.arguments}
    beside = {"times": step.times} if step.times > 1 else {}
    return {**told, **{name: value for name, value in done.items() if value}, **beside}


def _said(sending: Sending) -> str:
    """A message as one line: what of its head is not as usual, and its body."""
    head = [sending.verb] if sending.verb != "POST" else []
    tail = [f"(path ends in {sending.tail})"] if sending.tail else []
    start = [f"(begins with the bytes {sending.hex})"] if sending.hex else []
    return cut(" ".join([*head, *tail, *sending.headers, *start, sending.body]), _MESSAGE)


def _addresses(here: Surroundings, case: Case, listed: Container[str]) -> dict[str, Any]:
    """Where the attack leads: kinds of access that it abuses, and entries of frameworks that it is an instance of."""
    return {
        "abuses": [
            *({"name": each, "href": here.at("category", each.lower())} for each in case.categories),
            *(
                {"name": signal_name(each), "href": here.at("signals", each) if each in listed else ""}
                for each in case.signals
            ),
        ],
        "frameworks": [
            {
                "framework": framework.title,
                "id": entry.id,
                "anchor": entry.anchor,
                "title": entry.title,
                "href": f"{here.at(SECTION, 'frameworks')}#{entry.anchor}",
            }
            for framework, entry in named_by(case)
        ],
    }


def _last(last: Played | None) -> dict[str, Any] | None:
    if last is None:
        return None
    told: dict[str, Any] = msgspec.to_builtins(last)
    checks = [{**check, "title": TITLES[check["name"]]} for check in told["checks"]]
    return {**told, "checks": checks, "held": last.held}


def _written(policies: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Each with its server, as people read it."""
    return [(server, written(policy)) for server, policy in policies.items()]
