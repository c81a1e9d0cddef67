"""What a gateway process holds while nobody wants anything of it."""

from __future__ import annotations

import asyncio
import json
import signal
from collections import Counter
from dataclasses import dataclass

import psutil
from tests.gateway.running import Gateway

from . import observed
from .upstream import Upstream


@dataclass(frozen=True)
class State:
    """The tasks of its event loop by coroutine, its open files and sockets, its resident bytes."""

    tasks: Counter[str]
    descriptors: int
    memory: int


async def at_rest(gateway: Gateway, upstream: Upstream, *, like: State | None = None) -> State:
    """The state once the upstream serves nobody and, with `like`, the same tasks are left as there were then."""
    state = await _state(gateway)
    async with asyncio.timeout(60):
        while upstream.serving or (like is not None and state.tasks != like.tasks):
            await asyncio.sleep(0.2)
            state = await _state(gateway)
    return state


async def _state(gateway: Gateway) -> State:
    assert gateway.process is not None
    file = gateway.data / observed.FILE
    file.unlink(missing_ok=True)
    gateway.process.send_signal(signal.SIGUSR1)
    async with asyncio.timeout(20):
        while not file.exists():
            await asyncio.sleep(0.01)
    process = psutil.Process(gateway.process.pid)
    return State(Counter(json.loads(file.read_text())), process.num_fds(), process.memory_info().rss)
