"""A scan as people read it: each server's tools, the riskiest first, then what was found, then one line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from toolgate.cli import printing
from toolgate.policy.categories import PRECEDENCE
from toolgate.scanner.facts import policy_of, rule_words
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
    printing.say(f"{legible(report.name)} ({legible(report.target.way.shown)}{files}): {_counts(report)}{weight}")
    policy = policy_of(report)
    rows = [_row(tool, rule_words(policy, tool.name)) for tool in _riskiest_first(report.tools)]
    printing.table(("risk", "category", "tool", "rule", "signals"), rows, "it has no tools", styles=_STYLES)
    printing.say("")


_STYLES: Final = {
    "Critical": "bold red",
    "High": "red",
    "Medium": "yellow",
    "Low": "green",
    "critical": "bold red",
    "high": "red",
    "medium": "yellow",
}


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


def _findings(settled: Sequence[Settled]) -> None:
    told = [it for it in settled if it.state == "new" and it.finding.rule_id not in _OF_RISK]
    if not told:
        return
    printing.table(
        ("level", "finding", "where", "what"), [_told(it) for it in told[:MOST_FINDINGS]], "", styles=_STYLES
    )
    if len(told) > MOST_FINDINGS:
        printing.say(f"... and {len(told) - MOST_FINDINGS} more: `--json` has all of them")
    printing.say("")


def _told(settled: Settled) -> tuple[str, ...]:
    finding = settled.finding
    where = " ".join(part for part in (finding.server, finding.tool) if part) or "ignore list"
    place = f" {finding.place}" if finding.place else ""
    quote = f": {finding.quote}" if finding.quote and finding.rule.by_quote and "changed" not in finding.rule_id else ""
    return finding.level, finding.rule_id, legible(where + place), legible(finding.detail + quote)


def _last_line(scan: Scan) -> str:
    sums = summary(scan)
    servers = f"{sums['servers']:,} server{'s' if sums['servers'] != 1 else ''}"
    missing = f" ({sums['unreached']} did not answer)" if sums["unreached"] else ""
    return f"{servers}{missing}, {sums['tools']:,} tools, {_levels(scan)}{_others(sums)}"


def _levels(scan: Scan) -> str:
    new = [it.finding.level for it in scan.settled if it.state == "new"]
    told = ", ".join(f"{new.count(level)} {level}" for level in reversed(LEVELS[1:]) if level in new)
    return f"findings: {told}" if told else "no findings"


def _others(sums: dict[str, int]) -> str:
    return "".join(_other(sums, state) for state in ("known", "ignored"))


def _other(sums: dict[str, int], state: str) -> str:
    return f", {sums[state]} {state}" if sums[state] else ""
