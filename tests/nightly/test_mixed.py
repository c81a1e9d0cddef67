"""An hour of everything at once: no error that nobody caused, exact records and limits, nothing that only grows.

`TOOLGATE_NIGHTLY_SECONDS` (3600) says for how long, `TOOLGATE_NIGHTLY_RATE` (40) how many pieces of work a second.
"""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from random import Random

import pytest
from tests.gateway.running import Gateway, call
from tests.gateway.speaking import connected

from toolgate.audit.verify import verify
from toolgate.keys import MasterKey

from .figures import note
from .records import Records
from .state import State, at_rest, settled
from .traffic import IN_WINDOW, WINDOW, Scene, Traffic, policy
from .upstream import TOOLS, Upstream

SECONDS = float(os.environ.get("TOOLGATE_NIGHTLY_SECONDS", "3600"))
RATE = float(os.environ.get("TOOLGATE_NIGHTLY_RATE", "40"))
MOST = int(SECONDS * RATE / 6)
"""What may be spent in all: enough for two thirds of the time."""
DEFINITIONS = [{"name": name, "inputSchema": {"type": "object"}} for name in TOOLS]
ROOM = 16 * 1024 * 1024
"""Bytes by which the process may grow in the second half, besides a tenth."""

pytestmark = pytest.mark.nightly


class Observed(Gateway):
    """A gateway that says on a signal what its event loop has to do."""

    program = "tests.nightly.observed"


async def test_an_hour_of_mixed_traffic(tmp_path: Path) -> None:
    upstream = await Upstream().start()
    gateway = Observed(tmp_path / "data", "--approval-wait", "60")
    try:
        await asyncio.to_thread(gateway.start)
        grant = gateway.grant(gateway.add_server(upstream.url, DEFINITIONS), policy(0, MOST))
        scene = Scene(gateway, upstream, grant, MOST, Random(1))
        traffic = Traffic(scene, RATE)
        await traffic.run(min(10.0, SECONDS / 4))
        rest = await settled(gateway)
        await traffic.run(SECONDS / 2)
        middle = await at_rest(gateway, upstream, rest)
        await traffic.run(SECONDS / 2)
        await spend_the_rest(scene)
        end = await at_rest(gateway, upstream, rest)
    finally:
        await asyncio.to_thread(gateway.close)
        await upstream.stop()
    assert not traffic.errors, "\n".join(traffic.errors)
    records = check_records(scene)
    note("mixed traffic", figures(scene, records, middle, end))
    check_that_nothing_grew(middle, end)


async def spend_the_rest(scene: Scene) -> None:
    async with connected(scene.gateway.port) as speaker:
        for _ in range(scene.most):
            message = call("charge", {"amount": 1}, scene.new_id())
            if (await speaker.post(scene.grant, json.dumps(message).encode())).denied:
                return
    raise AssertionError("more could be spent than there was")


def check_records(scene: Scene) -> Records:
    """One record for each call, limits to the unit, a journal that verifies."""
    data = scene.gateway.data
    report = verify(data / "journal", MasterKey.load(data).public_keys())
    assert report.valid, report.problems
    records = Records.read(data / "journal")
    assert records.sums == 0, "denials came too fast to be recorded one by one"
    assert records.decisions == scene.recorded
    assert records.unnamed == scene.unnamed
    assert records.without_end == set()
    assert set(scene.upstream.ran) <= records.let_through
    assert set(scene.upstream.ran.values()) == {1}
    assert records.spent == scene.most
    assert sum(scene.upstream.spent.values()) <= scene.most
    assert records.most_within(WINDOW) <= IN_WINDOW
    return records


def check_that_nothing_grew(middle: State, end: State) -> None:
    assert end.tasks <= middle.tasks
    assert end.descriptors <= middle.descriptors + 8
    assert end.memory <= middle.memory * 1.1 + ROOM


def figures(scene: Scene, records: Records, middle: State, end: State) -> str:
    calls, outcomes = sum(scene.recorded.values()), sum(records.outcomes.values())
    return (
        f"{SECONDS:.0f} s: {sum(scene.done.values())} pieces, {calls} decisions with an id, {outcomes} endings, "
        f"{scene.upstream.restarts} restarts, {scene.done['cut off by a restart']} cut off by them, "
        f"{scene.version} policies; middle and end: {middle.memory >> 20} and {end.memory >> 20} MiB, "
        f"{middle.descriptors} and {end.descriptors} descriptors, {middle.tasks.total()} and {end.tasks.total()} tasks"
    )
