from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio
from tests.control.connecting.scene import Scene, Stage
from tests.control.connecting.stranger import Stranger


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """An authorization server, an MCP server that wants its tokens, and a control plane, for all tests here."""
    async with Stage.set(tmp_path_factory.mktemp("stage") / "data") as stage:
        yield stage


@pytest_asyncio.fixture(loop_scope="package")
async def scene(stage: Stage) -> Scene:
    """The stage with a server and an administrator of this test's own."""
    return await stage.scene()


@pytest_asyncio.fixture(loop_scope="package")
async def stranger() -> AsyncIterator[Stranger]:
    """Servers that say what a test has them say."""
    async with AsyncExitStack() as stack:
        yield await stack.enter_async_context(Stranger.running())
