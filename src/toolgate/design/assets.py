"""The files of the pages: read once, kept under a digest of them all, so that browsers may keep them for ever."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

SHARED: Final = Path(__file__).parent / "static"
"""The files that every kind of page needs."""

TYPES: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
"""Media types by ending."""


class Assets:
    """The files of some folders as one. `digest` is of all together: modules import each other by relative paths.

    Raises ValueError where two folders have a file of one name.
    """

    def __init__(self, *folders: Path) -> None:
        found = [(file.relative_to(folder).as_posix(), file) for folder in folders for file in folder.rglob("*.*")]
        self.files = {name: file.read_bytes() for name, file in sorted(found)}
        if len(self.files) != len(found):
            raise ValueError("two files have one name")
        self.digest = self._digest()

    def path(self, name: str) -> str:
        """`digest/name`, for an address. Raises KeyError for a file that is not there."""
        if name not in self.files:
            raise KeyError(name)
        return f"{self.digest}/{name}"

    def _digest(self) -> str:
        digest = hashlib.sha256()
        for name, content in self.files.items():
            digest.update(f"{name} {len(content)} ".encode() + content)
        return digest.hexdigest()[:16]
