"""A configuration file that is applied again whenever it, or a file that it names, has changed.

A look costs one `stat` a file. A change is acted on once two looks have found the same state, so that a file that is
being written is not read halfway. What cannot be applied leaves everything as it was.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TypeAlias

from sqlalchemy.engine import Engine

from toolgate.configuration.apply import Options, apply
from toolgate.configuration.plan import Plan
from toolgate.configuration.reader import read_configuration
from toolgate.errors import ToolgateError
from toolgate.keys import MasterKey
from toolgate.store.headers import PURPOSE

ACTOR = "configuration"
RETRY_AFTER = 20
"""Looks after which what failed is tried again: its reason may lie in a file that was not read, or in the database."""

State: TypeAlias = tuple[tuple[str, int, int, int], ...]


class Watch:
    """One file and one data directory. Use from one thread at a time."""

    def __init__(self, data: Path, engine: Engine, file: Path, options: Options) -> None:
        self.error: ToolgateError | None = None
        """Why the file as it is now is not in force; None when it is."""
        self._data = data
        self._engine = engine
        self._file = file
        self._options = options
        self._files: tuple[Path, ...] = (file.absolute(),)
        self._applied: State | None = None
        self._seen: State | None = None
        self._failed_looks = 0

    def apply(self) -> Plan:
        """Read and apply now. Raises ToolgateError; then `error` holds it and nothing was changed."""
        known, before = self._files, state_of(self._files)
        self._failed_looks = 0
        try:
            configuration = read_configuration(self._file, os.environ)
            self._files = configuration.files
            sealer = MasterKey.load(self._data).sealer(PURPOSE)
            plan = apply(self._data, self._engine, ACTOR, configuration, sealer, self._options)
        except ToolgateError as error:
            self.error = error
            raise
        else:
            self.error = None
            return plan
        finally:
            # Of files that are named since now nobody knows whether they changed while they were read: look again.
            self._applied = before if self._files == known else None

    def look(self) -> Plan | None:
        """Apply when something has changed and rests; None when there was nothing to do. Raises as `apply`."""
        now = state_of(self._files)
        rests, self._seen = now == self._seen, now
        if self.error is not None:
            self._failed_looks += 1
        if rests and (now != self._applied or self._failed_looks >= RETRY_AFTER):
            return self.apply()
        return None


def state_of(files: Iterable[Path]) -> State:
    """What a change of any of the files changes."""
    return tuple(_state(file) for file in files)


def _state(file: Path) -> tuple[str, int, int, int]:
    try:
        found = file.stat()
    except (OSError, ValueError):
        return (str(file), 0, 0, 0)
    return (str(file), found.st_ino, found.st_size, found.st_mtime_ns)
