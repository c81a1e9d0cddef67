"""The table in docs/conformance.md: what the suite found, scenario by scenario."""

from __future__ import annotations

from .suite import Check, Found, Run, passed

BEGIN = "<!-- table: written by tests/conformance/test_suite.py -->\n"
END = "<!-- end of table -->\n"


def table(direct: Found, gated: Found) -> str:
    """A row for each scenario in each revision, and the sums; the same for the same results."""
    rows = [_row(run, direct[run], gated[run]) for run in sorted(direct, key=lambda run: (run.scenario, run.version))]
    sums = [_sum(found) for found in (direct, gated)]
    scenarios = len({run.scenario for run in direct})
    head = [
        f"{scenarios} scenarios in {len(direct)} runs; checks passed of those that passed or failed:",
        "",
        "| scenario | revision | directly | through the gateway | remark |",
        "|---|---|---|---|---|",
    ]
    return "\n".join([*head, *rows, f"| all | | {sums[0]} | {sums[1]} | |"]) + "\n"


def page_with(page: str, written: str) -> str:
    """The page with this table in place of the one it has."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{written}\n{END}{after}"


def _row(run: Run, direct: list[Check], gated: list[Check]) -> str:
    return f"| `{run.scenario}` | {run.version} | {_count(direct)} | {_count(gated)} | {_remark(direct)} |"


def _judged(checks: list[Check]) -> int:
    return sum(check.status in {"SUCCESS", "FAILURE", "WARNING"} for check in checks)


def _count(checks: list[Check]) -> str:
    return f"{passed(checks)} of {_judged(checks)}"


def _sum(found: Found) -> str:
    return f"{sum(map(passed, found.values()))} of {sum(map(_judged, found.values()))}"


def _remark(checks: list[Check]) -> str:
    skipped = sum(check.status == "SKIPPED" for check in checks)
    failed = sorted({check.name for check in checks if check.status in {"FAILURE", "WARNING"}})
    return f"the suite skips {skipped}" if skipped else ", ".join(failed)
