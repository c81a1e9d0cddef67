"""axe-core on every page, light and dark, narrow and wide: no serious fault, and no page wider than its window."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Page

from .office import EMAIL, Office
from .pages import every_page
from .screens import held_call
from .visitor import Visitor

AXE = Path(__file__).parents[2] / ".venvs/axe/node_modules/axe-core/axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
BAD = {"serious", "critical"}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def place(furnished: Office) -> Iterator[Office]:
    with held_call(furnished):
        yield furnished


FORMS = [
    ("light", 390, 0),
    ("dark", 1440, 2),
    *(
        pytest.param((scheme, width, None), marks=pytest.mark.nightly)
        for scheme, width in itertools.product(("light", "dark"), (390, 1440))
    ),
]
"""What the browser prefers, how wide it is, and which part of the pages is looked at; each night all of them are."""
_PARTS = 4


def some_of(pages: Mapping[str, str], part: int | None) -> dict[str, str]:
    """Every fourth page from this one on; all for None."""
    return dict(itertools.islice(pages.items(), part or 0, None, 1 if part is None else _PARTS))


@pytest.fixture(scope="module", params=FORMS, ids=str)
def seen(request: pytest.FixtureRequest, browser: Browser, place: Office) -> Iterator[tuple[Page, dict[str, str]]]:
    """A browser of that form, and the pages to look at."""
    scheme: Literal["light", "dark"]
    scheme, width, part = request.param
    # A content security policy without `unsafe-eval` would keep the judge out; it is judged in tests/control.
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True, reduced_motion="reduce"
    )
    visitor = Visitor(context.new_page())
    visitor.sign_in(place.url, EMAIL)
    yield visitor.page, some_of(every_page(place), part)
    context.close()


def faults(page: Page) -> list[str]:
    """What axe-core finds serious or critical, a line for each."""
    page.add_script_tag(path=AXE)
    found: Any = page.evaluate("tags => axe.run(document, {runOnly: tags})", RULES)
    return [
        f"{violation['id']}: {node['html'][:200]}: {node['failureSummary']}"
        for violation in found["violations"]
        if violation["impact"] in BAD
        for node in violation["nodes"]
    ]


def test_no_page_has_a_serious_fault(seen: tuple[Page, dict[str, str]], place: Office) -> None:
    page, pages = seen
    if not AXE.exists():
        (pytest.fail if os.environ.get("CI") else pytest.skip)("needs axe-core: `make clients`")
    wrong = {}
    for title, path in pages.items():
        page.goto(place.url + path)
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{title} is {wide} pixels wider than the window"
        if found := faults(page):
            wrong[title] = found
    assert not wrong, json.dumps(wrong, indent=2)
