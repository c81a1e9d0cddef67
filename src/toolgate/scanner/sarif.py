"""A scan in SARIF 2.1.0, the form that code scanning reads (OASIS, Static Analysis Results Interchange Format)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import toolgate
from toolgate.scanner.findings import Finding
from toolgate.scanner.judging import Report
from toolgate.scanner.rules import RULES, Level, Rule
from toolgate.scanner.scan import Scan, failure_of
from toolgate.scanner.settling import Settled
from toolgate.scanner.targets import Kept
from toolgate.store.legible import legible

_SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json"
_LEVELS: Final[dict[Level, str]] = {
    "none": "note", "low": "note", "medium": "warning", "high": "error", "critical": "error"
}  # fmt: skip
_SEVERITIES: Final[dict[Level, str]] = {"none": "0.0", "low": "2.0", "medium": "5.0", "high": "8.0", "critical": "9.5"}
"""As code scanning sorts them: critical from 9.0, high from 7.0, medium from 4.0."""
_KINDS: Final = {"prompt": "function", "resource": "resource", "template": "resource"}
"""Kinds of logical locations, of what stands beside tools."""
_INDEX: Final = {id_: number for number, id_ in enumerate(RULES)}
_PRINT: Final = "toolgate/v1"


def sarif(scan: Scan) -> dict[str, Any]:
    """One run with every finding; what a baseline or an ignore list takes out is suppressed, with the reason."""
    places = {report.name: _file(report) for report in scan.reports}
    failures = [failure_of(report) for report in scan.unreached]
    driver = {
        "name": "Toolgate",
        "version": toolgate.__version__,
        "rules": [_rule(rule) for rule in RULES.values()],
    }
    invocation = {
        "executionSuccessful": not failures,
        "toolExecutionNotifications": [
            {"level": "error", "message": {"text": legible(failure)}} for failure in failures
        ],
    }
    run = {
        "tool": {"driver": driver},
        "invocations": [invocation],
        "columnKind": "unicodeCodePoints",
        "results": [_result(it, places) for it in scan.settled],
    }
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "name": "".join(part.capitalize() for part in rule.id.split("-")),
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.means},
        "help": {"text": f"{rule.means} {rule.mend}", "markdown": f"{rule.means}\n\n**What to do:** {rule.mend}"},
        "defaultConfiguration": {"level": _LEVELS[rule.level]},
        "properties": {"security-severity": _SEVERITIES[rule.level], "tags": ["security", "mcp"]},
    }


def _result(settled: Settled, places: Mapping[str, str]) -> dict[str, Any]:
    finding = settled.finding
    result: dict[str, Any] = {
        "ruleId": finding.rule_id,
        "ruleIndex": _INDEX[finding.rule_id],
        "level": _LEVELS[finding.level],
        "message": {"text": _message(finding)},
        "locations": [_location(finding, places.get(finding.server, ""))],
        "partialFingerprints": {_PRINT: finding.fingerprint},
        "properties": {
            "level": finding.level,
            "server": legible(finding.server),
            "tool": legible(finding.tool),
            "item": legible(finding.item),
        },
    }
    if settled.state == "ignored":
        result["suppressions"] = [{"kind": "external", "status": "accepted", "justification": settled.reason}]
    elif settled.state == "known":
        result["suppressions"] = [{"kind": "external", "status": "accepted", "justification": "in the baseline"}]
    return result


def _message(finding: Finding) -> str:
    """Plain text: brackets would be read as links."""
    place = f" ({finding.place})" if finding.place else ""
    quote = f": {finding.quote}" if finding.quote and finding.rule.by_quote else ""
    text = legible(f"{_subject(finding)}{place} {finding.detail}{quote}")
    return text.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")


def _subject(finding: Finding) -> str:
    if finding.tool:
        return f"Tool {finding.tool}"
    if finding.item == "instructions":
        return f"What {finding.server} gives as instructions"
    if finding.item:
        return finding.item[0].upper() + finding.item[1:]
    return f"Server {finding.server}" if finding.server else "Ignore list"


def _location(finding: Finding, file: str) -> dict[str, Any]:
    name = "/".join(part for part in (finding.server, finding.tool or finding.item) if part) or "ignore list"
    logical: dict[str, Any] = {
        "name": legible(finding.tool or finding.item or finding.server or "ignore list"),
        "fullyQualifiedName": legible(f"{name}#{finding.place}" if finding.place else name),
        "kind": _KINDS.get(finding.item.partition(" ")[0], "function" if finding.tool else "module"),
    }
    location: dict[str, Any] = {"logicalLocations": [logical]}
    if file:
        location["physicalLocation"] = {"artifactLocation": {"uri": file}, "region": {"startLine": 1}}
    return location


def _file(report: Report) -> str:
    """The file that names a server, or holds its definitions, as a URI."""
    way = report.target.way
    named = report.target.origins[0][1] if report.target.origins else way.file if isinstance(way, Kept) else ""
    if not named or named == "standard input":
        return ""
    path = Path(named)
    return path.as_uri() if path.is_absolute() else path.as_posix().replace(" ", "%20")
