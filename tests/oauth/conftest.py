"""One authorization server and one gateway that knows it, for all tests of a worker."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from tests.gateway.running import Gateway, Recorder, plain

from .issuer import LocalIssuer


@pytest.fixture(scope="session")
def issuer() -> Iterator[LocalIssuer]:
    local = LocalIssuer()
    yield local
    local.close()


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory, issuer: LocalIssuer) -> Iterator[Gateway]:
    running = Gateway(tmp_path_factory.mktemp("oauth"), "--oauth-issuer", issuer.url).start()
    yield running
    running.close()


@pytest_asyncio.fixture
async def recorder() -> AsyncIterator[Recorder]:
    upstream = await Recorder(plain).start()
    yield upstream
    await upstream.stop()
