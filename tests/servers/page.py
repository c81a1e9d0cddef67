"""The table of docs/servers.md: each test has a row, which it compares, or writes with TOOLGATE_WRITE=1."""

from __future__ import annotations

import os

from .real import ROOT

PAGE = ROOT / "docs/servers.md"


def check(*cells: str) -> None:
    """The row with these cells stands in the page; the first two are its key."""
    row = f"| {' | '.join(cells)} |"
    key = f"| {cells[0]} | {cells[1]} |"
    lines = PAGE.read_text().splitlines()
    found = [number for number, line in enumerate(lines) if line.startswith(key)]
    if os.environ.get("TOOLGATE_WRITE"):
        if found:
            lines[found[0]] = row
        else:
            lines.insert(1 + max(number for number, line in enumerate(lines) if line.startswith("|")), row)
        PAGE.write_text("\n".join(lines) + "\n")
    else:
        assert [lines[number] for number in found] == [row], "write the table anew with TOOLGATE_WRITE=1"
