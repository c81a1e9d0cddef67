"""What recording one call costs: its decision before it is forwarded, its outcome afterwards.

    .venv/bin/python bench/journal.py [DIRECTORY]

Prints microseconds of CPU per call (the median of interleaved rounds, with the fastest round beside it) of each part,
of the whole for each fsync setting and number of callers, of writing once per turn of the loop in its place, and how
long `record` keeps the event loop while the disk is synced. DIRECTORY (by default a temporary one) chooses the disk.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter, perf_counter_ns, process_time_ns

import uvloop
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from toolgate.audit.chain import Chain
from toolgate.audit.journal import Journal
from toolgate.audit.records import Decision, Outcome, line_of
from toolgate.audit.syncing import Fsync
from toolgate.audit.verify import verify
from toolgate.policy.decision import Charge, Unit

ROUNDS = 9
CALLS = 4_000
ID = "0190c2b0-1111-7222-8333-444455556666"
SIGNER = Ed25519PrivateKey.generate()
CHARGES = (Charge(f"grant:{ID}:spend:day", "spend", 10**9, 10**15, Unit.DAY, "/tools/create_charge/limits/0"),)


def decision(decision_id: str) -> Decision:
    return Decision(
        time=1_800_000_000.123456,
        decision_id=decision_id,
        outcome="allow",
        request_id=17,
        organisation=ID,
        server_id=ID,
        grant_id=ID,
        grant_label="build agent",
        principal="ada",
        session="s" * 43,
        protocol="2025-11-25",
        method="tools/call",
        tool="create_charge",
        policy_id=ID,
        revision=3,
        fingerprint="a" * 64,
        argument_names=("amount", "currency", "customer"),
        arguments_digest="b" * 64,
        charges=CHARGES,
        decided_in=45,
    )


def outcome(decision_id: str) -> Outcome:
    return Outcome(time=1_800_000_000.2, decision_id=decision_id, result="result", status=200, upstream_took=1234)


def interleaved(parts: dict[str, Callable[[], None]], repeat: int) -> None:
    """Each part `repeat` times a round, all parts in every round."""
    taken: dict[str, list[float]] = {name: [] for name in parts}
    for _ in range(ROUNDS):
        for name, part in parts.items():
            begun = process_time_ns()
            part()
            taken[name].append((process_time_ns() - begun) / 1000 / repeat)
    for name, figures in taken.items():
        print(f"{name:44} {median(figures):6.2f} us   fastest {min(figures):6.2f}")


def parts(directory: Path) -> None:
    chain = Chain("bench", "node")
    target = os.open(directory / "plain", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    both = line_of(decision("0123456789ab-1")) + line_of(outcome("0123456789ab-1"))

    def times(step: Callable[[], object]) -> Callable[[], None]:
        def loop() -> None:
            for _ in range(CALLS):
                step()

        return loop

    made, ended = decision("0123456789ab-1"), outcome("0123456789ab-1")
    interleaved(
        {
            "making both entries": times(lambda: (decision("0123456789ab-1"), outcome("0123456789ab-1"))),
            "encoding both": times(lambda: (line_of(made), line_of(ended))),
            "encoding and linking both": times(lambda: (chain.link(made), chain.link(ended))),
            f"one write(2) of both, {len(both)} bytes": times(lambda: os.write(target, both)),
        },
        CALLS,
    )
    os.close(target)


async def record_calls(journal: Journal, callers: int) -> None:
    async def caller() -> None:
        for _ in range(CALLS // callers):
            decision_id = journal.new_id()
            await journal.record(decision(decision_id))
            journal.append(outcome(decision_id))
            await asyncio.sleep(0)  # the upstream's turn

    await asyncio.gather(*(caller() for _ in range(callers)))


class TurnJournal(Journal):
    """The other way: one write for all that was recorded in one turn of the loop, and a future for each caller."""

    async def record(self, entry: Decision) -> None:  # type: ignore[override]
        if not hasattr(self, "_turn"):
            self._turn: list[tuple[Decision, asyncio.Future[None]]] = []
        waiter: asyncio.Future[None] = self._loop.create_future()
        if not self._turn:
            self._loop.call_soon(self._end_turn)
        self._turn.append((entry, waiter))
        await waiter

    def _end_turn(self) -> None:
        turn, self._turn = self._turn, []
        self._write(*(entry for entry, _ in turn))
        for _, waiter in turn:
            if not waiter.done():
                waiter.set_result(None)


async def whole(directory: Path) -> None:
    taken: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        for fsync in ("interval", "none"):
            for callers in (1, 32):
                for kind in (Journal, TurnJournal):
                    name = f"{'a write a turn' if kind is TurnJournal else 'record'}, {fsync}, {callers} callers"
                    taken.setdefault(name, []).append(await _round(kind, directory, fsync, callers))
        taken.setdefault("record, always, 32 callers", []).append(await _round(Journal, directory, "always", 32))
    for name, figures in taken.items():
        print(f"{name:44} {median(figures):6.2f} us   fastest {min(figures):6.2f}")


async def _round(kind: type[Journal], directory: Path, fsync: Fsync, callers: int) -> float:
    journal = kind.open(directory / "journal", SIGNER, "node", fsync)
    await asyncio.sleep(0.01)
    begun = process_time_ns()
    await record_calls(journal, callers)
    taken = (process_time_ns() - begun) / 1000 / CALLS
    await journal.close()
    return taken


async def stalls(directory: Path) -> None:
    """Up to a thousand calls a second for some seconds: how long one `record` keeps the loop."""
    for fsync in ("none", "interval"):
        journal = Journal.open(directory / "journal", SIGNER, "node", fsync)
        figures = []
        until = perf_counter() + 4
        while perf_counter() < until:
            decision_id = journal.new_id()
            begun = perf_counter_ns()
            await journal.record(decision(decision_id))
            figures.append((perf_counter_ns() - begun) / 1000)
            journal.append(outcome(decision_id))
            await asyncio.sleep(0.001)
        await journal.close()
        figures.sort()
        shown = {share: round(figures[int(len(figures) * share)], 1) for share in (0.5, 0.99, 0.999)}
        print(f"record keeps the loop, {fsync}: {shown} us, longest {figures[-1]:.0f} us of {len(figures)}")


def verified(directory: Path) -> None:
    begun = process_time_ns()
    report = verify(directory / "journal", [SIGNER.public_key()])
    taken = (process_time_ns() - begun) / 1e9
    print(
        f"verify: {report.entries} entries in {taken:.2f} s CPU, {report.entries / taken:,.0f} a second, {report.valid}"
    )


def main() -> None:
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as scratch:
        directory = Path(scratch)
        parts(directory)
        uvloop.run(whole(directory))
        uvloop.run(stalls(directory))
        verified(directory)


if __name__ == "__main__":
    main()
