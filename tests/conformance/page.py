"""The table in docs/conformance.md: what the suite found, scenario by scenario."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .suite import Check, Found, Run

BEGIN = "<!-- table: written by tests/conformance/test_suite.py -->\n"
END = "<!-- end of table -->\n"


@dataclass(frozen=True)
class Results:
    """What the suite found at one server, directly and through the gateway, which reaches it by HTTP or by stdio."""

    direct: Found
    gated: Found
    stdio: Found

    @property
    def columns(self) -> tuple[Found, ...]:
        return (self.direct, self.gated, self.stdio)


def table(results: Results, remarks: Mapping[Run, str]) -> str:
    """A row for each scenario in each revision, and the sums; the same for the same results."""
    runs = sorted(results.direct, key=lambda run: (run.scenario, run.version))
    head = [
        f"{len({run.scenario for run in runs})} scenarios in {len(runs)} runs; checks passed of those judged:",
        "",
        "| scenario | revision | directly | gateway, HTTP server | gateway, stdio server | remark |",
        "|---|---|---|---|---|---|",
    ]
    rows = [_row(run, [found.get(run, []) for found in results.columns], remarks.get(run, "")) for run in runs]
    sums = " | ".join(_count([check for checks in found.values() for check in checks]) for found in results.columns)
    return "\n".join([*head, *rows, f"| all | | {sums} | |"]) + "\n"


def page_with(page: str, written: str) -> str:
    """The page with this table in place of the one it has."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{written}\n{END}{after}"


def _row(run: Run, found: list[list[Check]], remark: str) -> str:
    counts = " | ".join(map(_count, found))
    return f"| `{run.scenario}` | {run.version} | {counts} | {remark or _skipped(found[0])} |"


def _count(checks: list[Check]) -> str:
    if not checks:
        return "not run"
    passed = sum(check.status == "SUCCESS" for check in checks)
    return f"{passed} of {passed + sum(check.failed for check in checks)}"


def _skipped(checks: list[Check]) -> str:
    skipped = [check.name for check in checks if check.status == "SKIPPED"]
    return f"the suite itself skips {', '.join(skipped)}" if skipped else ""
