"""The part of docs/scan.md that lists every rule. `python -m tests.scanner.page` writes it anew from `rules.toml`."""

from __future__ import annotations

from pathlib import Path

from toolgate.scanner.rules import LEVELS, RULES

PAGE = Path(__file__).parents[2] / "docs/scan.md"
BEGIN = "<!-- rules: written by tests/scanner/page.py -->\n"


def table() -> str:
    """One row a rule, the worst first."""
    rules = sorted(RULES.values(), key=lambda rule: -LEVELS.index(rule.level))
    rows = [
        f"| `{rule.id}` | {rule.level} | {rule.means} | {rule.example} | {rule.mend} |".replace("\n", " ")
        for rule in rules
    ]
    return "\n".join(("| id | level | what it means | example | what to do |", "|---|---|---|---|---|", *rows, ""))


def main() -> None:
    """Replace what follows the mark."""
    written = PAGE.read_text().partition(BEGIN)[0]
    PAGE.write_text(f"{written}{BEGIN}\n{table()}")


if __name__ == "__main__":
    main()
