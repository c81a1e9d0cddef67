"""A scan as people read it: each server's tools, the riskiest first, then what was found, then one line."""

from __future__ import annotations

import os
import shutil
import textwrap
from collections.abc import Sequence
from typing import Final

import typer

from toolgate.cli import printing
from toolgate.policy.categories import PRECEDENCE
from toolgate.scanner.facts import policy_of, rule_words
from toolgate.scanner.findings import Finding
from toolgate.scanner.items import KINDS
from toolgate.scanner.judging import Judged, Report
from toolgate.scanner.rules import LEVELS
from toolgate.scanner.scan import Scan, failure_of, summary
from toolgate.scanner.settling import Settled
from toolgate.store.legible import legible

MOST_SERVERS: Final = 20
"""Servers whose tools are listed; a catalogue of thousands is counted instead."""
MOST_FINDINGS: Final = 100
_OF_RISK: Final = frozenset({"financial-tool", "destructive-tool", "execute-tool"})
"""Findings that the table of tools says already."""


def show(scan: Scan) -> None:
    """Print a scan."""
    answered = [report for report in scan.reports if report.tools or report.failure is None]
    for report in answered[:MOST_SERVERS]:
        _server(report)
    if len(answered) > MOST_SERVERS:
        printing.say(f"{len(answered) - MOST_SERVERS} more servers are not listed: `--json` has all of them")
    _findings(scan.settled)
    for report in scan.unreached:
        printing.complain(f"error: {failure_of(report)}")
    for remark in scan.remarks:
        printing.complain(f"warning: {remark}")
    printing.say(_last_line(scan))


def _server(report: Report) -> None:
    files = "".join(f", {client}" for client in dict.fromkeys(client for client, _ in report.target.origins))
    weight = f", about {report.tokens:,} tokens" if report.tools else ""
    name, shown = legible(report.name), legible(report.target.way.shown)
    printing.say(f"{name} ({shown}{files}): {_counts(report)}{weight}{_beside(report)}")
    policy = policy_of(report)
    rows = [_row(tool, rule_words(policy, tool.name)) for tool in _riskiest_first(report.tools)]
    printing.table(("risk", "category", "tool", "rule", "signals"), rows, "it has no tools", styles=_STYLES)
    printing.say("")


_STYLES: Final = {
    "Critical": "bold red",
    "High": "red",
    "Medium": "yellow",
    "Low": "green",
}
_COLOURS: Final = {"critical": "red", "high": "red", "medium": "yellow"}
_LEVEL: Final = len("critical")
_CHANGES: Final = ("description-", "schema-changed", "annotations-", "tool-")
"""Rules whose quote is the fingerprint of a definition, for programs alone."""


def _row(tool: Judged, rule: str) -> tuple[str, ...]:
    judged = tool.classification
    unsure = " ?" if judged.confidence == "low" else ""
    signals = "; ".join(signal.text for signal in judged.signals)
    return judged.risk, judged.category + unsure, legible(tool.name) or "(no name)", rule, legible(signals)


def _riskiest_first(tools: Sequence[Judged]) -> list[Judged]:
    return sorted(tools, key=lambda tool: (-PRECEDENCE.index(tool.classification.category), tool.name))


def _counts(report: Report) -> str:
    told = [
        f"{count} {category}"
        for category in reversed(PRECEDENCE)
        if (count := sum(tool.classification.category == category for tool in report.tools))
    ]
    tools = "1 tool" if len(report.tools) == 1 else f"{len(report.tools):,} tools"
    return f"{tools}: {', '.join(told)}" if told else tools


def _beside(report: Report) -> str:
    """What there is beside the tools, as the end of a sentence."""
    kinds = [item.kind for item in report.items]
    told = [
        "instructions" if kind == "instructions" else f"{kinds.count(kind):,} {kind}{'s' * (kinds.count(kind) != 1)}"
        for kind in KINDS
        if kind in kinds
    ]
    return f"; {', '.join(told)}" if told else ""


def _findings(settled: Sequence[Settled]) -> None:
    told = [it.finding for it in settled if it.state == "new" and it.finding.rule_id not in _OF_RISK]
    for finding in told[:MOST_FINDINGS]:
        _finding(finding)
    if len(told) > MOST_FINDINGS:
        printing.say(f"... and {len(told) - MOST_FINDINGS} more: `--json` has all of them")
    if told:
        printing.say("")


def _finding(finding: Finding) -> None:
    """What and where in one line, what it is and the words that show it below, broken at the edge of the terminal."""
    where = " ".join(part for part in (finding.server, finding.tool or finding.item, finding.place) if part)
    level = finding.level.ljust(_LEVEL)
    if finding.level in _COLOURS and not os.environ.get("NO_COLOR"):
        level = typer.style(level, fg=_COLOURS[finding.level], bold=finding.level == "critical")
    typer.echo(f"{level} {finding.rule_id}  {legible(where)}")
    quoted = finding.rule.by_quote and finding.quote and not finding.rule_id.startswith(_CHANGES)
    for text in (finding.detail, f"> {finding.quote}" if quoted else ""):
        for line in textwrap.wrap(legible(text), max(_columns() - _LEVEL - 1, 40), break_on_hyphens=False):
            typer.echo(" " * (_LEVEL + 1) + line)


def _columns() -> int:
    return shutil.get_terminal_size((100, 24)).columns


def _last_line(scan: Scan) -> str:
    sums = summary(scan)
    servers = f"{sums['servers']:,} server{'s' if sums['servers'] != 1 else ''}"
    missing = f" ({sums['unreached']} did not answer)" if sums["unreached"] else ""
    tools = f"{sums['tools']:,} tool{'s' if sums['tools'] != 1 else ''}"
    return f"{servers}{missing}, {tools}, {_levels(scan)}{_others(sums)}"


def _levels(scan: Scan) -> str:
    new = [it.finding.level for it in scan.settled if it.state == "new"]
    told = ", ".join(f"{new.count(level)} {level}" for level in reversed(LEVELS[1:]) if level in new)
    return f"findings: {told}" if told else "no findings"


def _others(sums: dict[str, int]) -> str:
    return "".join(_other(sums, state) for state in ("known", "ignored"))


def _other(sums: dict[str, int], state: str) -> str:
    return f", {sums[state]} {state}" if sums[state] else ""
