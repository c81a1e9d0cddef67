"""The part of docs/scan.md that lists every rule. `python -m tests.scanner.page` writes it anew from `rules.toml`."""

from __future__ import annotations

from pathlib import Path

from toolgate.scanner.items import KINDS
from toolgate.scanner.rules import LEVELS, RULES, Rule

PAGE = Path(__file__).parents[2] / "docs/scan.md"
BEGIN = "<!-- rules: written by tests/scanner/page.py -->\n"


def table() -> str:
    """One row a rule, the worst first."""
    rules = sorted(RULES.values(), key=lambda rule: -LEVELS.index(rule.level))
    rows = [
        f"| `{rule.id}` | {rule.level} | {about(rule)} | {rule.means} | {rule.example} | {rule.mend} |".replace(
            "\n", " "
        )
        for rule in rules
    ]
    return "\n".join(
        ("| id | level | about | what it means | example | what to do |", "|---|---|---|---|---|---|", *rows, "")
    )


def about(rule: Rule) -> str:
    """What a rule can be about; `text` where that is a tool and every kind of item."""
    every = ("tool", *KINDS)
    rest = [each for each in rule.about if each not in every]
    return ", ".join(["text", *rest] if set(every) <= set(rule.about) else rule.about)


def main() -> None:
    """Replace what follows the mark."""
    written = PAGE.read_text().partition(BEGIN)[0]
    PAGE.write_text(f"{written}{BEGIN}\n{table()}")


if __name__ == "__main__":
    main()
