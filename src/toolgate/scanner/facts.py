"""A scan as JSON has it. Third-party text stands in it as it was said: whoever shows it escapes it."""

from __future__ import annotations

from typing import Any

import toolgate
from toolgate import classifier
from toolgate.classifier.recommend import recommend
from toolgate.policy.categories import PRECEDENCE
from toolgate.scanner.items import KINDS
from toolgate.scanner.judging import Judged, Report
from toolgate.scanner.scan import Scan, failure_of, summary
from toolgate.scanner.settling import Settled
from toolgate.scanner.targets import Kept, Missing, Reached, Started

_WAYS = {Started: "command", Reached: "url", Kept: "file", Missing: "none"}


def facts(scan: Scan) -> dict[str, Any]:
    """All of it. `version` is that of this form; findings are the worst first."""
    return {
        "version": 1,
        "toolgate": toolgate.__version__,
        "lexicon": classifier.VERSION,
        "servers": [_server(report) for report in scan.reports],
        "findings": [_finding(it) for it in scan.settled],
        "remarks": list(scan.remarks),
        "summary": summary(scan),
    }


def _server(report: Report) -> dict[str, Any]:
    policy = policy_of(report)
    return {
        "name": report.name,
        "way": _WAYS[type(report.target.way)],
        "configurations": [{"client": client, "file": file} for client, file in report.target.origins],
        "error": failure_of(report) or None,
        "tokens": report.tokens,
        "counts": {each: sum(tool.classification.category == each for tool in report.tools) for each in PRECEDENCE},
        "tools": [_tool(tool, policy) for tool in report.tools],
        "items": {kind: sum(item.kind == kind for item in report.items) for kind in KINDS},
    }


def policy_of(report: Report) -> dict[str, Any]:
    """The policy that the classifier recommends for a server."""
    definitions = [tool.definition for tool in report.tools]
    return recommend(definitions, report.name, [tool.classification for tool in report.tools])


def _tool(tool: Judged, policy: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": tool.name,
        **tool.classification.facts(),
        "tokens": tool.tokens,
        "rule": rule_words(policy, tool.name),
    }


def rule_words(policy: dict[str, Any], name: str) -> str:
    """What a recommended policy does with a tool, in a word or two."""
    if name in policy.get("hide", ()):
        return "hide"
    entry = policy["tools"].get(name)
    if entry is None:
        return "deny"
    if entry.get("action") == "require_approval":
        return "ask a person"
    limits = entry.get("limits", ())
    return f"{limits[0]['max']} a {limits[0]['window']}" if limits else "allow"


def _finding(settled: Settled) -> dict[str, Any]:
    finding = settled.finding
    return {
        "id": finding.fingerprint,
        "rule": finding.rule_id,
        "level": finding.level,
        "server": finding.server,
        "tool": finding.tool,
        "item": finding.item,
        "place": finding.place,
        "detail": finding.detail,
        "quote": finding.quote,
        "state": settled.state,
        "reason": settled.reason,
    }
