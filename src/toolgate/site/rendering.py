"""Pages of the catalogue as text, for a site of files."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from toolgate.design.assets import SHARED, Assets
from toolgate.design.page import Page
from toolgate.design.templating import environment
from toolgate.site.surroundings import Surroundings

TEMPLATES: Final = Path(__file__).parent / "templates"
"""For whoever has an environment of their own."""
STATIC: Final = Path(__file__).parent / "static"


class Renderer:
    """Renders in the frame for everybody. `assets` are what the pages refer to."""

    def __init__(self, here: Surroundings) -> None:
        self.assets = Assets(SHARED, STATIC)
        self._environment = environment(TEMPLATES)
        self._environment.globals.update(static=lambda name: here.file(f"assets/{self.assets.path(name)}"))

    def html(self, page: Page) -> str:
        """The page for people."""
        variables = {**page.data, **page.view, "frame": "public.html", "title": page.title, "done": page.done}
        return self._environment.get_template(page.template).render(variables)
