from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import Engine

from toolgate.configuration.apply import Options, apply, preview
from toolgate.configuration.document import Configuration
from toolgate.configuration.plan import Plan
from toolgate.configuration.reader import read_configuration_text
from toolgate.keys import MasterKey
from toolgate.store.database import open_database
from toolgate.store.directory import database_file
from toolgate.store.headers import PURPOSE


class House:
    """A data directory and the directory of its configuration file."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.data = directory / "data"
        self.file = directory / "toolgate.yaml"
        self.engine: Engine = open_database(self.data)
        self.sealer = MasterKey.load(self.data).sealer(PURPOSE)
        self.environment: dict[str, str] = {}

    def read(self, text: str) -> Configuration:
        return read_configuration_text(text.encode(), "toolgate.yaml", self.file, self.environment)

    def apply(self, text: str, **options: bool) -> Plan:
        return apply(self.data, self.engine, "test", self.read(text), self.sealer, Options(**options))

    def preview(self, text: str, **options: bool) -> Plan:
        return preview(self.engine, self.read(text), self.sealer, Options(**options))

    def content(self) -> list[str]:
        """Everything that the database holds, as statements."""
        with closing(sqlite3.connect(database_file(self.data))) as connection:
            return list(connection.iterdump())

    def files(self) -> dict[str, bytes]:
        """The files beside the data directory."""
        return {file.name: file.read_bytes() for file in self.directory.iterdir() if file.is_file()}


def lines(plan: Plan) -> list[str]:
    """The plan as people read it."""
    return [
        f"{it.sign} {it.kind} {it.name}" + (f": {', '.join(it.details)}" if it.details else "") for it in plan.steps
    ]


def changed(plan: Plan) -> list[str]:
    """The lines that change something."""
    return [line for line in lines(plan) if not line.startswith("=")]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.engine.dispose()


def problems(caught: Any) -> list[tuple[str, str]]:
    """Place and cause of everything that was refused."""
    return [(problem.place, problem.cause) for problem in caught.value.problems]
