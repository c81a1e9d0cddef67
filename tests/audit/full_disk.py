"""Run on a small file system of its own: fills it while the journal writes, then makes room. Prints what happened."""

import sys
from pathlib import Path

import msgspec
import uvloop

from toolgate.audit.journal import JournalFailed
from toolgate.audit.records import Decision, Gap, Outcome, read_line

from .samples import checked, decision, eventually, lines, open_journal, outcome

UNDER_WAY = 500


async def run(mount: Path) -> dict[str, object]:
    directory, filler = mount / "journal", mount / "filler"
    journal = open_journal(directory)
    recorded = [await _record(journal.new_id(), journal.record) for _ in range(UNDER_WAY)]
    _fill(filler)
    refused = 0
    while not refused:
        try:
            recorded.append(await _record(journal.new_id(), journal.record))
        except JournalFailed:
            refused += 1
    healthy_when_full = journal.healthy
    for decision_id in recorded[:UNDER_WAY]:
        journal.append(outcome(decision_id))
    await eventually(lambda: _count(directory, Outcome) == UNDER_WAY)
    filler.unlink()
    await eventually(lambda: journal.healthy)
    recorded.append(await _record(journal.new_id(), journal.record))
    await journal.close()
    on_file = [entry.decision_id for entry in map(read_line, lines(directory)) if isinstance(entry, Decision)]
    return {
        "healthy_when_full": healthy_when_full,
        "recorded_is_on_file": on_file == recorded,
        "gaps": _count(directory, Gap),
        "valid": checked(directory).valid,
    }


async def _record(decision_id: str, record) -> str:  # type: ignore[no-untyped-def]
    await record(decision(decision_id))
    return decision_id


def _fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(65536)):
                pass
        except OSError:
            return


def _count(directory: Path, kind: type) -> int:
    return sum(isinstance(read_line(line), kind) for line in lines(directory))


if __name__ == "__main__":
    sys.stdout.write(msgspec.json.encode(uvloop.run(run(Path(sys.argv[1])))).decode())
