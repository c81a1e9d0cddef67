"""Damaged messages through a real gateway: refused and seen by nobody, or passed as sent, with one meaning for all."""

from __future__ import annotations

import asyncio
from random import Random

import pytest
from tests.nightly.figures import note
from tests.protocol.mutations import mutated
from tests.protocol.readers import READERS, Node, meaning

from toolgate.protocol.strict_json import read

from .running import ALLOW_ALL, Answer, Gateway, Grant, Received, Recorder, http
from .speaking import connected

BATCH = 50
CALLERS = 4
SHARD = 100_000
SHARDS = [
    pytest.param(range(first, first + SHARD), marks=pytest.mark.nightly, id=f"{first:07}")
    for first in range(0, 1_000_000, SHARD)
]
"""The million in parts that can be run, and run again, by themselves."""


async def nothing(request: Received, writer: asyncio.StreamWriter) -> None:
    """Whatever a message is, it is accepted: what the gateway makes of answers is not asked here."""
    writer.write(http(202, b""))


async def send(grant: Grant, bodies: list[bytes]) -> list[Answer]:
    async with connected(grant.gateway.port) as speaker:
        return [await speaker.post(grant, body) for body in bodies]


def check(node: Node, sent: list[bytes], answers: list[Answer], seen: list[bytes]) -> int:
    """How many of a batch were let through. Every one of them has one meaning; the others were refused with 400."""
    passed = [body for body, answer in zip(sent, answers, strict=True) if answer.status != 400]
    assert sorted(seen) == sorted(passed)
    assert {answer.status for answer in answers} <= {200, 202, 400}
    for body, said in zip(passed, node.read(passed), strict=True):
        judged = meaning(read(body))
        assert meaning(said) == judged, f"node reads {body!r} as {said!r}"
        for name, reader in READERS.items():
            assert meaning(reader(body)) == judged, f"{name} reads {body!r} otherwise"
    return len(passed)


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [pytest.param(range(2_000), id="2000"), *SHARDS])
async def test_a_damaged_message_is_refused_or_reaches_the_server_as_it_was_judged(
    gateway: Gateway, recorder: Recorder, seeds: range
) -> None:
    recorder.reply = nothing
    grant = gateway.grant(gateway.add_server(recorder.url), ALLOW_ALL)
    passed = 0
    with Node() as node:
        for start in seeds[:: BATCH * CALLERS]:
            batches = [[mutated(Random(start + at * BATCH + seed)) for seed in range(BATCH)] for at in range(CALLERS)]
            recorder.received.clear()
            answers = await asyncio.gather(*(send(grant, batch) for batch in batches))
            seen = [one.body for one in recorder.received]
            sent = [body for batch in batches for body in batch]
            passed += check(node, sent, [answer for each in answers for answer in each], seen)
    # both arms must have been tried, or the test proves nothing
    assert len(seeds) // 20 < passed < len(seeds) - len(seeds) // 20
    if len(seeds) == SHARD:
        note(f"fuzz from {seeds.start:,}", f"{len(seeds):,} bodies, {passed:,} passed, the others were refused")
