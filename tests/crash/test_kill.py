"""`kill -9` at random moments under load: no call without its record, no limit exceeded, nothing kept back."""

from __future__ import annotations

import asyncio
import os
import signal
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

import pytest
from tests.gateway.running import Gateway, Grant
from tests.nightly.figures import note

from toolgate.audit.records import Decision, Outcome
from toolgate.audit.verify import verify
from toolgate.keys import MasterKey

from .load import CALLERS, Tally, Upstream, caller, drain

KILLS = 6
LONG = int(os.environ.get("TOOLGATE_NIGHTLY_KILLS", "100"))
SEEDS = [
    (0, KILLS),
    *(pytest.param(seed, KILLS, marks=pytest.mark.nightly) for seed in range(1, 18)),
    pytest.param(18, LONG, marks=pytest.mark.nightly, id="long"),
]


def most_of(kills: int) -> int:
    """What the calls of a month may sum up to. (A test that runs over the end of a month fails.)"""
    return 500 * kills


def policy(most: int) -> dict[str, object]:
    """A sliding window holds 10,000 calls at most, so where there are more of them it is short."""
    limits = [
        {"counter": "spent", "window": "month", "max": most, "cost": "args.amount"},
        {"counter": "calls", "window": 86_400 if most < 5_000 else 5, "max": 10_000},
    ]
    return {"version": "1", "default": "deny", "tools": {"run": {"limits": limits, "schema": "off"}}}


@dataclass
class Crashing:
    """Gateways on one data directory (several only with counters that they share), killed one at a time."""

    gateways: list[Gateway]
    upstream: Upstream
    random: Random
    most: int
    tally: Tally = field(default_factory=Tally)
    grants: list[Grant] = field(default_factory=list)

    async def round(self) -> None:
        """Load every gateway, kill one at a random moment, look at what is left, start it again."""
        stop = asyncio.Event()
        share = CALLERS // len(self.gateways)
        calling = [
            asyncio.ensure_future(caller(grant, self.tally, stop, amounts=(1, 2)))
            for grant in self.grants
            for _ in range(share)
        ]
        await asyncio.sleep(self.random.uniform(0.02, 0.5))
        victim = self.random.choice(self.gateways)
        await asyncio.to_thread(victim.stop, signal.SIGKILL)
        self.check_journal()
        stop.set()
        await asyncio.gather(*calling)
        await asyncio.to_thread(victim.start)

    def check_journal(self) -> None:
        data = self.gateways[0].data
        report = verify(data / "journal", MasterKey.load(data).public_keys())
        assert report.valid, report.problems
        reached = set(self.upstream.ran) | self.upstream.refused
        assert reached <= {decision.request_id for decision in self.allowed()}
        assert len(self.upstream.ran) == len(set(self.upstream.ran))
        assert sum(self.upstream.amounts.values()) <= self.most

    def allowed(self) -> list[Decision]:
        return [entry for entry in self.gateways[0].journal() if isinstance(entry, Decision) and entry.charges]

    def standing(self, *, unless_refused: bool) -> int:
        """What the journal says is spent; with `unless_refused` also without what the upstream refused unrecorded."""
        entries = self.gateways[0].journal()
        back = {entry.decision_id for entry in entries if isinstance(entry, Outcome) and entry.rolled_back}
        return sum(
            decision.charges[0].amount // 10**9
            for decision in self.allowed()
            if decision.decision_id not in back
            and not (unless_refused and decision.request_id in self.upstream.refused)
        )


@pytest.fixture
def gateways(tmp_path: Path, counters: str) -> list[Gateway]:
    count = 2 if counters == "sqlite" else 1
    return [Gateway(tmp_path / "data", "--counters", counters) for _ in range(count)]


@pytest.mark.slow
@pytest.mark.parametrize("counters", ["memory", pytest.param("sqlite", marks=pytest.mark.nightly)])
@pytest.mark.parametrize(("seed", "kills"), SEEDS)
async def test_a_killed_gateway_loses_no_record_and_exceeds_no_limit(
    gateways: list[Gateway], counters: str, seed: int, kills: int
) -> None:
    random, most = Random(seed), most_of(kills)
    upstream = await Upstream(random).start()
    try:
        for gateway in gateways:
            await asyncio.to_thread(gateway.start)
        grant = gateways[0].grant(gateways[0].add_server(upstream.url), policy(most))
        grants = [replace(grant, gateway=gateway) for gateway in gateways]
        crashing = Crashing(gateways, upstream, random, most, grants=grants)
        for _ in range(kills):
            await crashing.round()
        await drain(grants, crashing.tally)
        crashing.check_journal()
        check_nothing_is_kept_back(crashing, shared=counters == "sqlite")
    finally:
        for gateway in gateways:
            await asyncio.to_thread(gateway.close)
        await upstream.stop()
    crashing.check_journal()
    if kills == LONG:
        note(f"kills, counters in {counters}", f"{kills} kills, {len(upstream.ran):,} calls ran, {most:,} spent")


def check_nothing_is_kept_back(crashing: Crashing, *, shared: bool) -> None:
    """The counter stands where the journal says, and the last of it could be spent."""
    assert sum(crashing.upstream.amounts.values()) > crashing.most // 2
    assert crashing.tally.full[-1]["counter"] == "spent"
    assert crashing.tally.full[-1]["used"] == str(crashing.most)
    most = crashing.standing(unless_refused=False)
    if shared:
        # What was given back in the file just before the crash may lack its entry.
        assert crashing.standing(unless_refused=True) <= crashing.most <= most
    else:
        assert most == crashing.most
