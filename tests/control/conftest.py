from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.control.running import Control


@pytest.fixture
async def control(tmp_path: Path) -> AsyncIterator[Control]:
    """A control plane over an installation without members."""
    async with Control.running(tmp_path / "data") as running:
        yield running
