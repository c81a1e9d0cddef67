from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.control.connecting.scene import Scene


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    """An authorization server, an MCP server that wants its tokens, and a control plane that knows the latter."""
    async with Scene.set(tmp_path / "data") as scene:
        yield scene
