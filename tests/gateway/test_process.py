"""What the gateway process does with the process it is given."""

from __future__ import annotations

import resource

import psutil

from .running import ALLOW_ALL, Gateway, Recorder


async def test_the_gateway_takes_as_many_connections_as_the_system_lets_it(gateway: Gateway) -> None:
    assert gateway.process is not None
    soft, hard = psutil.Process(gateway.process.pid).rlimit(resource.RLIMIT_NOFILE)
    assert soft == hard


async def test_of_very_many_arguments_the_record_names_the_first(gateway: Gateway, recorder: Recorder) -> None:
    tool = {"name": "run", "inputSchema": {"type": "object"}}
    grant = gateway.grant(gateway.add_server(recorder.url, [tool]), ALLOW_ALL)
    await grant.call("run", {f"k{number:05}": 0 for number in range(50_000)})
    (decision,) = grant.decisions()
    assert decision.clipped
    assert decision.argument_names[:2] == ("k00000", "k00001")
    assert len(decision.argument_names) <= 1_000
