"""One scan from targets to findings: asked, judged, held against each other and against the last scan, kept."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from toolgate.catalogue.entries import ServerFacts
from toolgate.catalogue.slugs import slug
from toolgate.catalogue.store import Catalogue, open_catalogue
from toolgate.errors import ToolgateError
from toolgate.scanner.asking import Heard, ask_all
from toolgate.scanner.drift import drift
from toolgate.scanner.findings import Finding
from toolgate.scanner.ignoring import Ignore
from toolgate.scanner.judging import Report, judge
from toolgate.scanner.settling import Settled, settle
from toolgate.scanner.shadowing import shadows
from toolgate.scanner.targets import Kept, Reached, Target
from toolgate.store.directory import prepare_directory
from toolgate.store.names import shown
from toolgate.store.tables import DEFAULT_ORGANISATION


@dataclass(slots=True, frozen=True)
class Scan:
    """What a scan found. `remarks` are what could not be kept of it."""

    reports: tuple[Report, ...]
    settled: tuple[Settled, ...]
    remarks: tuple[str, ...] = ()

    @property
    def unreached(self) -> list[Report]:
        """The servers of which nothing, or not all, is known."""
        return [report for report in self.reports if report.failure is not None]


def scan(
    targets: Sequence[Target],
    *,
    timeout: float,
    data: Path | None,
    baseline: Collection[str] = (),
    ignores: Sequence[Ignore] = (),
    heard: Callable[[Heard], None],
) -> Scan:
    """Scan every target; `timeout` in seconds, for each. `data` keeps the scan, None leaves no trace.

    Raises ToolgateError where the data directory cannot be used; what is wrong with a server is in its report.
    """
    if data is not None:
        prepare_directory(data)
    reports = [judge(each) for each in asyncio.run(ask_all(targets, timeout, heard))]
    remarks: list[str] = []
    drifted = [] if data is None else _kept(reports, data, remarks)
    findings = [finding for report in reports for finding in report.findings] + shadows(reports) + drifted
    return Scan(tuple(reports), tuple(settle(findings, baseline, ignores, today())), tuple(remarks))


def today() -> date:
    """The date by which entries of the ignore list expire, in UTC."""
    return datetime.now(UTC).date()


def _kept(reports: Sequence[Report], data: Path, remarks: list[str]) -> list[Finding]:
    """What changed since the last scan; this one takes its place. A server that did not answer keeps the last."""
    found: list[Finding] = []
    with open_catalogue(data) as catalogue, catalogue.together():
        for report in reports:
            if report.failure is None and (report.tools or not isinstance(report.target.way, Kept)):
                try:
                    found += _against_last(catalogue, report, remarks)
                except ToolgateError as error:
                    remarks.append(f"{report.name}: {error.cause}")
    return found


def _against_last(catalogue: Catalogue, report: Report, remarks: list[str]) -> list[Finding]:
    facts = ServerFacts(report.name, url=report.target.way.shown if isinstance(report.target.way, Reached) else "")
    place = slug(report.name)
    last = catalogue.server(place, DEFAULT_ORGANISATION)
    scanned = last is not None and last.organisation == DEFAULT_ORGANISATION
    found = drift(catalogue.every_tool(place, DEFAULT_ORGANISATION), report) if scanned else []
    tools = [tool.definition for tool in report.tools]
    put = catalogue.put(facts, tools, source="scan", now=time.time(), organisation=DEFAULT_ORGANISATION)
    remarks += [f"{report.name}: {refusal.name or 'a tool'} is not kept: {refusal.cause}" for refusal in put.refused]
    return found


def summary(scan_: Scan) -> dict[str, int]:
    """How many servers, tools and findings, for a last line and for programs."""
    states = [it.state for it in scan_.settled]
    return {
        "servers": len(scan_.reports),
        "unreached": len(scan_.unreached),
        "tools": sum(len(report.tools) for report in scan_.reports),
        "new": states.count("new"),
        "known": states.count("known"),
        "ignored": states.count("ignored"),
    }


def failure_of(report: Report) -> str:
    """Why a server was not scanned, as one line."""
    error = report.failure
    if error is None:
        return ""
    place = f"server {report.name}"
    cause = str(error.cause)
    return f"{place}: {shown(cause) if len(cause) > 600 else cause}" + (f" ({error.mend})" if error.mend else "")
