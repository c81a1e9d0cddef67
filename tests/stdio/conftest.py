from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.stdio.wrapped import ALLOW, Wrapped

Start = Callable[..., Awaitable[Wrapped]]


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory with a name short enough for sockets."""
    path = Path(tempfile.mkdtemp(prefix="tg"))
    yield path
    shutil.rmtree(path)


@pytest.fixture
async def start(place: Path) -> AsyncIterator[Start]:
    """Starts wrappers on one data directory, and sees all of them end."""
    running: list[Wrapped] = []

    async def begin(policy: dict[str, Any] = ALLOW, *options: str, **environment: str) -> Wrapped:
        wrapped = Wrapped(place)
        wrapped.write_policy(policy)
        await wrapped.start(*options, **environment)
        running.append(wrapped)
        return wrapped

    yield begin
    for wrapped in running:
        await wrapped.close()
