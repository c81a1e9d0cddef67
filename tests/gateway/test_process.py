"""What the gateway process does with the process it is given."""

from __future__ import annotations

import resource

import psutil

from .running import Gateway


async def test_the_gateway_takes_as_many_connections_as_the_system_lets_it(gateway: Gateway) -> None:
    assert gateway.process is not None
    soft, hard = psutil.Process(gateway.process.pid).rlimit(resource.RLIMIT_NOFILE)
    assert soft == hard
