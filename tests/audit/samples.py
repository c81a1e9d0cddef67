"""What the tests of the journal share: entries, a key, a journal that was written, and ways to change it by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from toolgate.audit.journal import DEFAULT_PACE, Journal
from toolgate.audit.records import Decision, Entry, Outcome
from toolgate.audit.segments import segments
from toolgate.audit.syncing import Fsync, Pace
from toolgate.audit.verify import Report, verify
from toolgate.policy.decision import Charge, Unit

SIGNER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = SIGNER.public_key()
OTHER_SIGNER = Ed25519PrivateKey.from_private_bytes(bytes(32))
NOW = 1_800_000_000.0
CHARGE = Charge("grant:g1:calls:minute", "calls", 10**9, 10**10, Unit.MINUTE, "/tools/run/limits/0", "/cost")


def decision(decision_id: str = "d1", **fields: object) -> Decision:
    given: dict[str, object] = {
        "time": NOW,
        "decision_id": decision_id,
        "outcome": "allow",
        "request_id": 7,
        "server_id": "s1",
        "grant_id": "g1",
        "grant_label": "build agent",
        "method": "tools/call",
        "tool": "run",
        "category": "Execute",
        "risk": "High",
        "policy_id": "p1",
        "revision": 3,
        "argument_names": ("command",),
        "charges": (CHARGE,),
    }
    return Decision(**(given | fields))  # type: ignore[arg-type]


def outcome(decision_id: str = "d1", **fields: object) -> Outcome:
    given: dict[str, object] = {"time": NOW + 1, "decision_id": decision_id, "result": "result", "status": 200}
    return Outcome(**(given | fields))  # type: ignore[arg-type]


def open_journal(directory: Path, fsync: Fsync = "none", pace: Pace = DEFAULT_PACE) -> Journal:
    return Journal.open(directory, SIGNER, "node", fsync, "key", pace)


async def written(directory: Path, entries: Sequence[Entry], pace: Pace = DEFAULT_PACE) -> str:
    """A journal with a start, these entries and an end; the id of its chain."""
    journal = open_journal(directory, pace=pace)
    for entry in entries:
        await journal.record(entry)
    await journal.close()
    return journal.chain_id


def write(directory: Path, count: int, pace: Pace = DEFAULT_PACE) -> str:
    """The same with so many decisions, for tests that are no coroutines."""
    return asyncio.run(written(directory, [decision(f"d{number}") for number in range(count)], pace))


def lines(directory: Path) -> list[bytes]:
    """Every line of every segment, in order."""
    return [line for segment in segments(directory) for line in segment.path.read_bytes().splitlines(keepends=True)]


def rewrite(path: Path, change: Callable[[list[bytes]], object]) -> None:
    """Change the lines of one file in place."""
    content = path.read_bytes().splitlines(keepends=True)
    change(content)
    path.write_bytes(b"".join(content))


def checked(directory: Path, copy: Path | None = None) -> Report:
    return verify(directory, [PUBLIC], copy)


def causes(report: Report) -> str:
    return "\n".join(map(str, report.problems))


async def eventually(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


def reserves(directory: Path) -> list[int]:
    """The sizes of the reserves that are held."""
    return [path.stat().st_size for path in directory.glob("*.reserve")]
