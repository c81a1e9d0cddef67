"""Screenshots of every page, light and dark, narrow and wide: `python -m tests.browser.screens [DIRECTORY]`."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, sync_playwright

from .office import EMAIL, Office, furnish, office, until
from .pages import every_page
from .visitor import Visitor, launch

WIDTHS = {"narrow": 390, "wide": 1440}
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


@contextmanager
def held_call(place: Office) -> Iterator[None]:
    """A call that waits for a person, so that the inbox has something in it."""
    call = ("create_refund", {"customer": "c7", "amount": 120, "currency": "eur"})
    with place.agent("shop", place.tokens["support-bot"], call) as agent:
        until(place.pending)
        try:
            yield
        finally:
            agent.kill()


def shoot(browser: Browser, place: Office, folder: Path) -> int:
    """One picture of each page in each form; returns how many there are."""
    number = 0
    for scheme in SCHEMES:
        for name, width in WIDTHS.items():
            context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
            visitor = Visitor(context.new_page())
            visitor.page.goto(f"{place.url}/sign-in")
            visitor.page.screenshot(path=folder / f"sign-in-{scheme}-{name}.png", full_page=True)
            visitor.sign_in(place.url, EMAIL)
            for title, path in every_page(place).items():
                answer = visitor.page.goto(place.url + path)
                assert answer is not None
                if answer.status != 200:
                    sys.stderr.write(f"{path}: status {answer.status}\n")
                visitor.page.screenshot(path=folder / f"{title}-{scheme}-{name}.png", full_page=True)
                number += 1
            for complaint in visitor.complaints:
                sys.stderr.write(f"{complaint}\n")
            context.close()
    return number


def main() -> int:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "screens")
    folder.mkdir(parents=True, exist_ok=True)
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        sys.stderr.write("there is no Chromium on this machine: `make peers` as root installs it\n")
        return 1
    with tempfile.TemporaryDirectory() as data, office(Path(data)) as place, sync_playwright() as playwright:
        furnish(place)
        browser = launch(playwright, program)
        with held_call(place):
            number = shoot(browser, place, folder)
        browser.close()
    sys.stdout.write(f"{number} pictures in {folder}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
