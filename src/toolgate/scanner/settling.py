"""What of the findings is news: not what a baseline knows, nor what an ignore list lives with."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from toolgate.scanner.findings import Finding, worst_first
from toolgate.scanner.ignoring import Ignore
from toolgate.scanner.rules import Level, at_least


@dataclass(slots=True, frozen=True)
class Settled:
    """A finding and whether it counts; `reason` says why one that is ignored does not."""

    finding: Finding
    state: Literal["new", "known", "ignored"] = "new"
    reason: str = ""


def settle(
    findings: Sequence[Finding], baseline: Collection[str], ignores: Sequence[Ignore], today: date
) -> list[Settled]:
    """Every finding with its state, the worst first; entries that expired or fit nothing are findings themselves."""
    valid = [entry for entry in ignores if not entry.expired(today)]
    used: set[int] = set()
    settled = []
    for finding in worst_first({it.fingerprint: it for it in findings}.values()):
        entry = next((entry for entry in valid if entry.fits(finding)), None)
        if entry is not None:
            used.update(each.number for each in valid if each.fits(finding))
            settled.append(Settled(finding, "ignored", entry.reason))
        else:
            settled.append(Settled(finding, "known" if finding.fingerprint in baseline else "new"))
    stale = [_expired(entry) for entry in ignores if entry.expired(today)]
    unused = [_unused(entry) for entry in valid if entry.number not in used]
    return settled + [Settled(finding) for finding in (*stale, *unused)]


def _expired(entry: Ignore) -> Finding:
    place = f"entry {entry.number}"
    return Finding("expired-ignore", "", "", place, f"{entry.about} was to be ignored until {entry.until}")


def _unused(entry: Ignore) -> Finding:
    return Finding("unused-ignore", "", "", f"entry {entry.number}", f"{entry.about} fits no finding")


def failing(settled: Sequence[Settled], threshold: Level) -> list[Settled]:
    """The news at or above a level."""
    return [it for it in settled if it.state == "new" and at_least(it.finding.level, threshold)]
