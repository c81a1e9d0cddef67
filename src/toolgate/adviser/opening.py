"""The catalogue opened in the background: who connects need not wait until the box is unpacked."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from typing import Self

from toolgate.catalogue.store import Catalogue


class Opening:
    """A context manager around another: opening begins with it, and at its end the catalogue is closed."""

    def __init__(self, opens: AbstractContextManager[Catalogue]) -> None:
        self._opens = opens
        self._closing = ExitStack()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="catalogue")

    def __enter__(self) -> Self:
        self._opened = self._pool.submit(self._closing.enter_context, self._opens)
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()
        self._closing.close()

    def catalogue(self) -> Catalogue:
        """Wait until it is open. Raises StoreError where it cannot be opened."""
        return self._opened.result()
