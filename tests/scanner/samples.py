"""Servers as a scan heard them, for what is done with a scan."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from toolgate.scanner.asking import Heard
from toolgate.scanner.baseline import baseline_text
from toolgate.scanner.findings import Finding
from toolgate.scanner.ignoring import Ignore
from toolgate.scanner.items import Beside, Item
from toolgate.scanner.judging import Report, judge
from toolgate.scanner.scan import Scan
from toolgate.scanner.settling import settle
from toolgate.scanner.shadowing import shadows
from toolgate.scanner.targets import Started, Target

TODAY = date(2026, 11, 22)
__all__ = ["TODAY", "baseline_text", "report", "rules", "scanned", "tool"]


def tool(name: str, description: str = "Adds two numbers.", **fields: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": {}, "additionalProperties": False}
    return {"name": name, "description": description, "inputSchema": schema, **fields}


def report(server: str, *tools: dict[str, Any], items: Sequence[Item] = ()) -> Report:
    origin = (("Cursor", "/home/me/.cursor/mcp.json"),)
    return judge(Heard(Target(server, Started(("server",)), origin), tools, beside=Beside(tuple(items))))


def scanned(*reports: Report, baseline: Sequence[str] = (), ignores: Sequence[Ignore] = ()) -> Scan:
    findings = [finding for each in reports for finding in each.findings] + shadows(reports)
    return Scan(reports, tuple(settle(findings, baseline, ignores, TODAY)))


def rules(findings: Sequence[Finding]) -> list[str]:
    return sorted(finding.rule_id for finding in findings)
