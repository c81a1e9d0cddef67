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


async def settled(gateway: Gateway) -> State:
    """The state as soon as it stays the same for a second: what a gateway at rest has to do."""
    before = await _state(gateway)
    async with asyncio.timeout(60):
        while True:
            await asyncio.sleep(1)
            state = await _state(gateway)
            if before.tasks == state.tasks and "Connection._run" not in state.tasks:
                return state
            before = state


async def at_rest(gateway: Gateway, upstream: Upstream, rest: State) -> State:
    """The state once the upstream serves nobody and no more tasks are left than a gateway at `rest` has."""
    async with asyncio.timeout(60):
        while True:
            state = await _state(gateway)
            if not upstream.serving and state.tasks <= rest.tasks:
                return state
            print(f"{upstream.serving} served, still to do: {state.tasks - rest.tasks}")
            await asyncio.sleep(1)


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
