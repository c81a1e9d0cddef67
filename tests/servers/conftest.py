"""One gateway for all ways over HTTP, and the servers that it needs."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from toolgate.demo import stage
from toolgate.demo.stage import CommandLine

from .real import NODE, PACKAGES


@pytest.fixture(scope="session", autouse=True)
def _installed() -> None:
    missing = [path for path in (NODE, PACKAGES) if not path.exists()]
    if missing:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"needs {missing[0]}: `make clients`")


@pytest.fixture(scope="session")
def command_line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    with stage.gateway(tmp_path_factory.mktemp("servers")) as running:
        yield running
