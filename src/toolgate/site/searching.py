"""The page of search: what a server found, or, in a site of files, a form for a script and lists by letter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, get_args
from urllib.parse import urlencode

from toolgate.attacks.case import Case
from toolgate.attacks.kinds import KINDS
from toolgate.catalogue.entries import Found, ServerEntry, ToolEntry
from toolgate.catalogue.terms import name_terms
from toolgate.classifier.classify import Category, Risk
from toolgate.design.page import Page
from toolgate.site.addressed import server_row, tool_row
from toolgate.site.attack_links import attack_row, one_line
from toolgate.site.lists import PAGE, Part
from toolgate.site.making import catalogue_page
from toolgate.site.surroundings import Surroundings
from toolgate.site.told import SIGNALS
from toolgate.site.verdicts import VERDICTS

LETTERS: Final = (*"abcdefghijklmnopqrstuvwxyz0123456789", "other")
LONGEST: Final = 200
"""Characters of what is sought; the rest is not looked at."""
_TITLE: Final = "Search the catalogue"
_MANY: Final = 1000
"""Pages of results; nobody reads so far."""


@dataclass(slots=True, frozen=True)
class Wanted:
    """What somebody looks for. What is no category, risk or signal counts as not chosen."""

    sought: str = ""
    category: Category | None = None
    risk: Risk | None = None
    signal: str | None = None
    page: int = 1

    @classmethod
    def read(cls, query: Mapping[str, str]) -> Wanted:
        """From the query of an address, whatever stands there."""
        number = query.get("page", "")
        return cls(
            query.get("q", "").strip()[:LONGEST],
            next((each for each in get_args(Category) if each == query.get("category")), None),
            next((each for each in get_args(Risk) if each == query.get("risk")), None),
            next((each for each in SIGNALS if each == query.get("signal")), None),
            min(int(number), _MANY) if number.isascii() and number.isdigit() and int(number) else 1,
        )

    @property
    def anything(self) -> bool:
        """Whether there is something to look for."""
        return bool(self.sought or self.category or self.risk or self.signal)

    @property
    def filters(self) -> dict[str, Any]:
        """The same as a catalogue is asked."""
        return {"sought": self.sought, "category": self.category, "risk": self.risk, "signal": self.signal}

    def query(self, page: int) -> str:
        """The query of the address of another page of the same search."""
        chosen = {"q" if name == "sought" else name: value for name, value in self.filters.items() if value}
        return urlencode({**chosen, "page": page})


def results_page(
    here: Surroundings,
    wanted: Wanted,
    tools: Found[ToolEntry] | None,
    servers: Sequence[ServerEntry] = (),
    attacks: Sequence[Case] = (),
) -> Page:
    """What was found; `tools` are those of the wanted page, None where nothing was looked for."""
    found: Found[ToolEntry] = Found([], 0) if tools is None else tools
    part = Part(wanted.page, found.total)
    data = {
        **wanted.filters,
        "servers": [server_row(here, server) for server in servers],
        "attacks": [attack_row(here, case) for case in attacks],
        "tools": [tool_row(here, tool) for tool in found.items],
        "total": found.total,
        "page": part.number,
        "pages": part.pages,
    }
    address = here.at("search")
    return catalogue_page(
        here,
        "search",
        f"Search: {wanted.sought}" if wanted.sought else _TITLE,
        ("search",),
        data,
        "Find MCP servers, their tools and documented attacks by name, category, risk and signal.",
        wanted=wanted,
        part=part,
        looked=tools is not None,
        signals=SIGNALS,
        verdicts=VERDICTS,
        newer=f"{address}?{wanted.query(part.number - 1)}" if part.number > 1 else "",
        older=f"{address}?{wanted.query(part.number + 1)}" if part.start + PAGE < found.total else "",
        letters=[],
        index="",
    )


def index_page(here: Surroundings, letters: Mapping[str, int], index: str) -> Page:
    """The page of a site of files: `letters` have so many tools, `index` is where the script finds its files."""
    page = results_page(here, Wanted(), None)
    ways = [{"letter": letter, "tools": letters[letter], "href": here.at("letters", letter)} for letter in letters]
    return Page(
        page.template, page.title, {"letters": ways}, {**page.data, **page.view, "letters": ways, "index": index}
    )


def attacks_named(cases: Sequence[Case], sought: str) -> list[Case]:
    """The cases in whose title, slug, kind or summary each word is, those with most of them in the title first."""
    words = [word for word in name_terms(sought) if word]
    fit = [case for case in cases if words and all(word in words_of(case) for word in words)]
    return sorted(fit, key=lambda case: (-sum(word in case.title.lower() for word in words), case.number))


def words_of(case: Case) -> str:
    """All that a case is found by, in lower case."""
    kind = KINDS[case.kind].title
    return " ".join((case.title, case.slug.replace("-", " "), kind, one_line(case.summary))).lower()


def letter_of(name: str) -> str:
    """Under which of LETTERS a name is found."""
    first = name[:1].lower()
    return first if first in LETTERS else "other"
