"""The tables in docs/conformance.md: what the suite found, scenario by scenario."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Mapping

from .suite import ROOT, Check, Found, Run

PAGE = ROOT / "docs" / "conformance.md"
WRITE = "TOOLGATE_WRITE_PAGES"
"""With this variable set, the page is written instead of compared."""


def check_page(name: str, written: str) -> None:
    """Compare the page's table of that name with this one, or put this one in its place."""
    if os.environ.get(WRITE):
        with PAGE.open("r+") as page:
            fcntl.flock(page, fcntl.LOCK_EX)
            text = _with(page.read(), name, written)
            page.seek(0)
            page.write(text)
            page.truncate()
    text = PAGE.read_text()
    differing = set(_with(text, name, written).splitlines()) - set(text.splitlines())
    assert not differing, f"docs/conformance.md says otherwise; {WRITE}=1 writes it: {differing}"


def table(columns: Mapping[str, Found], remarks: Mapping[Run, str]) -> str:
    """A row for each scenario in each revision, and the sums; the same for the same results."""
    found = list(columns.values())
    runs = sorted(found[0], key=lambda run: (run.scenario, run.version))
    head = [
        f"{len({run.scenario for run in runs})} scenarios in {len(runs)} runs; checks passed of those judged:",
        "",
        f"| scenario | revision | {' | '.join(columns)} | remark |",
        "|---" * (len(found) + 3) + "|",
    ]
    rows = [_row(run, [one.get(run, []) for one in found], remarks.get(run, "")) for run in runs]
    sums = " | ".join(_count([check for checks in one.values() for check in checks]) for one in found)
    return "\n".join([*head, *rows, f"| all | | {sums} | |"]) + "\n"


def _with(page: str, name: str, written: str) -> str:
    begin, end = f"<!-- {name}: written by tests/conformance -->\n", f"<!-- end of {name} -->\n"
    before, _, rest = page.partition(begin)
    _, _, after = rest.partition(end)
    return f"{before}{begin}\n{written}\n{end}{after}"


def _row(run: Run, found: list[list[Check]], remark: str) -> str:
    counts = " | ".join(map(_count, found))
    return f"| `{run.scenario}` | {run.version} | {counts} | {remark or _other(found[0])} |"


def _count(checks: list[Check]) -> str:
    if not checks:
        return "not run"
    passed = sum(check.status == "SUCCESS" for check in checks)
    return f"{passed} of {passed + sum(check.failed for check in checks)}"


def _other(checks: list[Check]) -> str:
    """What does not pass even directly, or is not judged."""
    skipped = sorted({check.name for check in checks if check.status == "SKIPPED"})
    failed = sorted({check.name for check in checks if check.failed})
    parts = [f"the suite skips {', '.join(skipped)}"] if skipped else []
    return "; ".join([*parts, *([f"directly neither: {', '.join(failed)}"] if failed else [])])
