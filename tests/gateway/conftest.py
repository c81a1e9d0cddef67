"""One gateway process for all tests of a worker; each test has its own server, policy and grant in it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from .running import Gateway, Recorder, plain


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    running = Gateway(tmp_path_factory.mktemp("gateway")).start()
    yield running
    running.close()


@pytest_asyncio.fixture
async def recorder() -> AsyncIterator[Recorder]:
    upstream = await Recorder(plain).start()
    yield upstream
    await upstream.stop()
