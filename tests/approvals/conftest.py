"""Two gateways for all tests of a worker: one that holds a call for long, one that does not hold it at all."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from tests.gateway.running import Gateway, Recorder, plain

LONG = "120"


@pytest.fixture(scope="session")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """Holds a call longer than any test takes: what ends the waiting is what the test does."""
    running = Gateway(tmp_path_factory.mktemp("patient"), "--approval-wait", LONG).start()
    yield running
    running.close()


@pytest.fixture(scope="session")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """Tells the client at once that the call waits: permits are used by repeats alone."""
    running = Gateway(tmp_path_factory.mktemp("hasty"), "--approval-wait", "0").start()
    yield running
    running.close()


@pytest_asyncio.fixture
async def recorder() -> AsyncIterator[Recorder]:
    upstream = await Recorder(plain).start()
    yield upstream
    await upstream.stop()
