"""`/attacks/frameworks`: entries of published frameworks, the cases of each, and the entries that no case covers.

What a framework lists is data in `mappings/`, each file with the source and how much of the list was seen.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec

from toolgate.attacks.case import Case
from toolgate.design.page import Page
from toolgate.site.attack_links import SECTION, attack_links, one_line
from toolgate.site.making import catalogue_page
from toolgate.site.surroundings import Surroundings
from toolgate.site.verdicts import VERDICTS

MAPPINGS: Final = Path(__file__).parent / "mappings"
NAMES: Final[dict[str, Callable[[Case], list[str]]]] = {
    "owasp": lambda case: case.owasp,
    "safe_mcp": lambda case: case.safe_mcp,
    "practices": lambda case: case.practices,
}
"""The files of `mappings/`, and where a case names entries of each."""


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One class, technique or practice. `also` are other names that cases may use for it."""

    id: str
    title: str
    group: str = ""
    also: list[str] = []

    @property
    def anchor(self) -> str:
        """Its place on the page."""
        return _plain(self.id)

    @property
    def names(self) -> set[str]:
        """What it is called, plainly written."""
        return {_plain(name) for name in (self.id, self.title, *self.also)}


class Framework(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A published list. `seen` says how much of it we saw, and where."""

    title: str
    url: str
    about: str
    seen: str
    entries: list[Entry]


@cache
def frameworks() -> dict[str, Framework]:
    """All of them, by the names of their files."""
    texts = {name: (MAPPINGS / f"{name}.toml").read_text("utf-8") for name in NAMES}
    return {name: msgspec.convert(tomllib.loads(text), Framework) for name, text in texts.items()}


def named_by(case: Case) -> Iterator[tuple[Framework, Entry]]:
    """The entries that a case is an instance of, in the order of the frameworks."""
    for name, framework in frameworks().items():
        wanted = {_plain(each) for each in NAMES[name](case)}
        yield from ((framework, entry) for entry in framework.entries if wanted & entry.names)


def unknown_to(case: Case) -> list[str]:
    """What a case names that no framework has; a case that ships names nothing of the kind."""
    known = {name: {one for entry in each.entries for one in entry.names} for name, each in frameworks().items()}
    return [each for name, of in NAMES.items() for each in of(case) if _plain(each) not in known[name]]


def frameworks_page(here: Surroundings, cases: Sequence[Case]) -> Page:
    """The tables, with their gaps."""
    data = {"frameworks": [_covered(here, name, cases) for name in frameworks()]}
    title = "Attacks by framework"
    about = (
        "Which cases stand for which entry of OWASP MCP Top 10, SAFE-MCP and the specification's practices, with gaps."
    )
    return catalogue_page(here, "frameworks", title, (SECTION, "frameworks"), data, about, told=VERDICTS)


def _covered(here: Surroundings, name: str, cases: Sequence[Case]) -> dict[str, Any]:
    framework = frameworks()[name]
    rows = [_row(here, entry, cases, NAMES[name]) for entry in framework.entries]
    return {
        "framework": framework.title,
        "url": framework.url,
        "about": framework.about,
        "seen": one_line(framework.seen),
        "covered": sum(bool(row["attacks"]) for row in rows),
        "entries": rows,
    }


def _row(here: Surroundings, entry: Entry, cases: Sequence[Case], of: Callable[[Case], list[str]]) -> dict[str, Any]:
    fit = [case for case in cases if {_plain(each) for each in of(case)} & entry.names]
    return {
        "id": entry.id,
        "title": entry.title,
        "group": entry.group,
        "anchor": entry.anchor,
        "attacks": attack_links(here, fit),
    }


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
