"""What a scan says of one server: its tools with category and rule, and everything of it that is worth a look."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from toolgate.classifier.classify import Classification, classify_all
from toolgate.classifier.hazards.definition import hazards, tokens
from toolgate.classifier.hazards.schemas import is_open
from toolgate.errors import ToolgateError
from toolgate.scanner.asking import Heard
from toolgate.scanner.findings import Finding, of_hazard
from toolgate.scanner.items import Item
from toolgate.scanner.judging_items import of_items
from toolgate.scanner.same_names import same_names
from toolgate.scanner.targets import Kept, Missing, Started, Target
from toolgate.upstream.versions import floating

HEAVY: Final = 20_000
"""Tokens of all definitions of a server from which on it is worth a word: a tenth of many a model's context."""
_RISKS: Final = {"Financial": "financial-tool", "Destructive": "destructive-tool", "Execute": "execute-tool"}
_NAMED: Final = 5


@dataclass(slots=True, frozen=True)
class Judged:
    """One tool. `name` is as the server says it, "" where it says none; `tokens` are about those of its definition."""

    name: str
    definition: Mapping[str, object] = field(repr=False)
    classification: Classification
    tokens: int


@dataclass(slots=True, frozen=True)
class Report:
    """One server. `items` are what it says beside its tools; `failure` says why nothing, or not all, is known of it."""

    target: Target
    tools: tuple[Judged, ...] = ()
    findings: tuple[Finding, ...] = ()
    failure: ToolgateError | None = None
    items: tuple[Item, ...] = ()

    @property
    def name(self) -> str:
        """What the server is called."""
        return self.target.name

    @property
    def tokens(self) -> int:
        """About how many tokens of a model's context its definitions take."""
        return sum(tool.tokens for tool in self.tools)

    def with_findings(self, further: Sequence[Finding]) -> Report:
        """The same with more findings."""
        return replace(self, findings=(*self.findings, *further))


def judge(heard: Heard) -> Report:
    """Judge what a server was heard to say."""
    target = heard.target
    judged = classify_all(heard.tools, target.name)
    tools = tuple(Judged(_name(tool), tool, each, tokens(tool)) for tool, each in zip(heard.tools, judged, strict=True))
    findings = [finding for tool in tools for finding in _of_tool(target.name, tool)]
    report = Report(target, tools, tuple(findings), heard.failure, heard.beside.items)
    return report.with_findings(
        [
            *_of_names(report),
            *_of_all(report),
            *_of_start(target),
            *_of_manners(heard),
            *of_items(report.name, report.items),
        ]
    )


def _name(tool: Mapping[str, object]) -> str:
    name = tool.get("name")
    return name if isinstance(name, str) else ""


def _of_tool(server: str, tool: Judged) -> Iterator[Finding]:
    judged = tool.classification
    if judged.category in _RISKS:
        detail = f"is {judged.category}: {judged.evidence[0]}" if judged.evidence else f"is {judged.category}"
        yield Finding(_RISKS[judged.category], server, tool.name, "", detail)
    for hazard in hazards(tool.definition, judged):
        yield of_hazard(hazard, server, tool.name)


def _of_names(report: Report) -> Iterator[Finding]:
    for name, hazard in same_names((tool.name for tool in report.tools), "name"):
        yield of_hazard(hazard, report.name, name)


def _of_all(report: Report) -> Iterator[Finding]:
    if report.tokens > HEAVY:
        detail = f"its {len(report.tools)} definitions take about {report.tokens:,} tokens of a model's context"
        yield Finding("heavy-server", report.name, "", "", detail)
    open_ = [tool.name for tool in report.tools if is_open(tool.definition.get("inputSchema"))]
    if open_:
        named = ", ".join(name[:60] for name in open_[:_NAMED]) + (", ..." if len(open_) > _NAMED else "")
        detail = f"{len(open_)} of {len(report.tools)} tools let undeclared arguments through: {named}"
        yield Finding("open-schemas", report.name, "", "", detail)


def _of_start(target: Target) -> Iterator[Finding]:
    fetched = floating(target.way.command) if isinstance(target.way, Started | Missing) else ""
    if fetched:
        detail = "is started by a command that fetches it anew and does not say which version"
        yield Finding("unpinned-command", target.name, "", "command", detail, fetched[:200])


def _of_manners(heard: Heard) -> Iterator[Finding]:
    name = heard.target.name
    if heard.strange:
        note = heard.target.way.note if isinstance(heard.target.way, Kept) else ""
        detail = f"lists {heard.strange} entries that are no objects{note and ': ' + note}; they are left out"
        yield Finding("malformed-definition", name, "", "tools", detail)
    if heard.noise:
        detail = f"prints {heard.noise:,} lines on standard output that are no messages"
        yield Finding("noise-on-stdout", name, "", "", detail, heard.first_noise)
    for problem in heard.beside.problems:
        yield of_hazard(problem, name)
