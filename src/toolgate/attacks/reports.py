"""What was played, for other programs: JUnit XML, and a badge for a page of one's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple
from xml.etree import ElementTree

from toolgate.attacks.results import TITLES, Played

_GOOD: Final = "#2f7d4f"
_BAD: Final = "#b3362b"
_LABEL: Final = "attacks"
_LETTER: Final = 6.6
"""Width of a letter of the badge's font, in pixels; wide enough for any that is there instead."""


class Row(NamedTuple):
    """One test of a report: what it is about, what should be so, whether it is, and what was seen."""

    attack: str
    wanted: str
    held: bool
    told: str
    seconds: float


def rows_of(played: Sequence[Played]) -> list[Row]:
    """A row for each check of each case; the time of a case is shared among its checks."""
    return [
        Row(each.slug, TITLES[check.name], check.held, check.told, each.took / 1000 / len(each.checks))
        for each in played
        for check in each.checks
    ]


def junit(rows: Sequence[Row]) -> str:
    """A test suite of these rows, as JUnit XML."""
    failures = sum(not row.held for row in rows)
    counted = {"tests": str(len(rows)), "failures": str(failures), "time": f"{sum(row.seconds for row in rows):.3f}"}
    suite = ElementTree.Element("testsuite", {"name": "toolgate attack run", **counted})
    for row in rows:
        about = {"classname": row.attack, "name": row.wanted, "time": f"{row.seconds:.3f}"}
        case = ElementTree.SubElement(suite, "testcase", about)
        if not row.held:
            ElementTree.SubElement(case, "failure", {"message": row.told})
    ElementTree.indent(suite)
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def badge(good: int, of: int, word: str) -> str:
    """An SVG that says "attacks: 54 of 55 stopped": green where nothing is missing."""
    said = f"{good} of {of} {word}"
    left, right = (round(len(text) * _LETTER) + 12 for text in (_LABEL, said))
    colour = _GOOD if good == of else _BAD
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" role="img" '
        f'aria-label="{_LABEL}: {said}">'
        f"<title>{_LABEL}: {said}</title>"
        f'<rect width="{left}" height="20" fill="#444"/>'
        f'<rect x="{left}" width="{right}" height="20" fill="{colour}"/>'
        '<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" text-anchor="middle">'
        f'<text x="{left / 2}" y="14">{_LABEL}</text><text x="{left + right / 2}" y="14">{said}</text>'
        "</g></svg>\n"
    )
