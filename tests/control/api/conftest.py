"""A running control plane, and programs that speak to its API with tokens."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.control.api.asking import Program
from tests.control.running import Control


@pytest.fixture
async def control(tmp_path: Path) -> AsyncIterator[Control]:
    async with Control.running(tmp_path / "data") as control:
        yield control


@pytest.fixture
async def admin(control: Control) -> Program:
    return await Program.of(control, "admin")
