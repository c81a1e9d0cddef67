"""The catalogue of a process that serves people."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from pathlib import Path

from toolgate.catalogue.store import Catalogue, open_catalogue


class SharedCatalogue:
    """Opened at first use, by the thread that comes first; the others wait for it."""

    def __init__(self, data: Path, box: bytes | None = None) -> None:
        self._data = data
        self._box = box
        self._opening = threading.Lock()
        self._open = ExitStack()
        self._catalogue: Catalogue | None = None

    def __call__(self) -> Catalogue:
        """The open catalogue. Raises StoreError; the next call tries again."""
        with self._opening:
            if self._catalogue is None:
                self._catalogue = self._open.enter_context(open_catalogue(self._data, box=self._box))
            return self._catalogue

    def close(self) -> None:
        """Close it; the next use opens it again. No thread may be at work."""
        self._open.close()
        self._catalogue = None
