"""Placeholders in client configurations: `${NAME}`, `${env:NAME}`, `${NAME:-otherwise}` and the folders of editors."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_PLACEHOLDER: Final = re.compile(r"\$\{([^${}]{1,200})\}|\{env:([A-Za-z_]\w{0,200})\}")


class Unfilled(ValueError):
    """A placeholder that nothing here can fill; the text names it."""


class Filling:
    """What placeholders of one configuration stand for."""

    def __init__(self, environment: Mapping[str, str], home: Path, project: Path) -> None:
        self._environment = environment
        self._folders = {
            "userHome": str(home),
            "workspaceFolder": str(project),
            "workspaceRoot": str(project),
            "workspaceFolderBasename": project.name,
            "pathSeparator": "/",
            "/": "/",
        }

    def fill(self, text: str) -> str:
        """The text with every placeholder filled. Raises Unfilled."""
        return _PLACEHOLDER.sub(self._one, text)

    def _one(self, found: re.Match[str]) -> str:
        name, dash, otherwise = (found[1] or f"env:{found[2]}").partition(":-")
        if name in self._folders:
            return self._folders[name]
        value = self._environment.get(name.removeprefix("env:"))
        if value is None and not dash:
            raise Unfilled(f"`{name[:80]}` is not set")
        return otherwise if value is None else value
