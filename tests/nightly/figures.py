"""The rows of docs/nightly.md: a nightly run writes its own anew where TOOLGATE_WRITE_PAGES is set."""

from __future__ import annotations

import fcntl
import os
import platform
from datetime import UTC, datetime
from pathlib import Path

import psutil

PAGE = Path(__file__).parents[2] / "docs" / "nightly.md"
BEGIN = "<!-- table: written by tests/nightly/figures.py -->\n"
END = "<!-- end of table -->\n"
HEAD = ("| run | date | machine | settings | figures |", "|---|---|---|---|---|")


def note(run: str, figures: str) -> None:
    """Keep what a run found; several processes may do so at once."""
    if not os.environ.get("TOOLGATE_WRITE_PAGES"):
        return
    with PAGE.open("r+") as page:
        fcntl.flock(page, fcntl.LOCK_EX)
        before, _, rest = page.read().partition(BEGIN)
        table, _, after = rest.partition(END)
        rows = {_run_of(row): row for row in table.splitlines() if row.startswith("|") and row not in HEAD}
        rows[run] = f"| {run} | {datetime.now(UTC):%Y-%m-%d} | {_machine()} | {_settings()} | {figures} |"
        lines = "\n".join([*HEAD, *(rows[name] for name in sorted(rows))])
        page.seek(0)
        page.write(f"{before}{BEGIN}\n{lines}\n\n{END}{after}")
        page.truncate()


def _run_of(row: str) -> str:
    return row.split("|")[1].strip()


def _machine() -> str:
    memory = round(psutil.virtual_memory().total / 2**30)
    return f"{os.cpu_count()} cores, {memory} GiB, Python {platform.python_version()}"


def _settings() -> str:
    """The variables that made the run another one than usual."""
    given = [f"{name}={value}" for name, value in os.environ.items() if name.startswith("TOOLGATE_NIGHTLY_")]
    return f"`{' '.join(sorted(given))}`" if given else "as usual"
