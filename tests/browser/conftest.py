"""Real Chromium before a real installation. Each test has a browser profile of its own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from .office import Office, furnish, office
from .visitor import Visitor, launch

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


@pytest.fixture(scope="package")  # while it is open no test can have a loop of its own
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("needs Chromium: `make peers` as root installs it")
    with sync_playwright() as playwright:
        running = launch(playwright, CHROMIUM)
        yield running
        running.close()


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """An installation in use, for tests that only add to it."""
    with office(tmp_path_factory.mktemp("office")) as place:
        furnish(place)
        yield place


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    made = browser.new_context(viewport={"width": 1440, "height": 900})
    yield made
    made.close()


@pytest.fixture
def visitor(context: BrowserContext) -> Visitor:
    """Somebody with an empty browser."""
    return Visitor(context.new_page())


@pytest.fixture
def page(visitor: Visitor) -> Page:
    return visitor.page
