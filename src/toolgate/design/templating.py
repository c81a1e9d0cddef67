"""The environment that every page is rendered in: markup escaped, and a name that is not there an error."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from toolgate import __version__
from toolgate.design.filters import FILTERS

COMPONENTS: Final = Path(__file__).parent / "templates"


def environment(*folders: Path) -> Environment:
    """Templates of these folders, the first that has one wins, and the components of `design`."""
    made = Environment(
        loader=FileSystemLoader([*folders, COMPONENTS]),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(FILTERS)
    made.globals.update(version=__version__)
    return made
