"""One gateway process for the tests of this folder that need a whole one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.gateway.running import Gateway


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    running = Gateway(tmp_path_factory.mktemp("gateway")).start()
    yield running
    running.close()
