"""Two gateways for all tests of a worker: one that holds a call for long, one that does not hold it at all."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from tests.gateway.running import Gateway, Received, Recorder, http, plain

from .desk import TOOLS

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


async def _reply(request: Received, writer: asyncio.StreamWriter) -> None:
    """The gateway may ask a new server for its tools at any moment: it hears of those that the tests speak of."""
    message = request.json if request.body else {}
    if message.get("method") == "tools/list":
        body = {"jsonrpc": "2.0", "id": message["id"], "result": {"tools": list(TOOLS)}}
        writer.write(http(200, json.dumps(body).encode()))
    else:
        await plain(request, writer)


@pytest_asyncio.fixture
async def recorder() -> AsyncIterator[Recorder]:
    upstream = await Recorder(_reply).start()
    yield upstream
    await upstream.stop()
