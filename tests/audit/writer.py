"""A process to be killed: records decisions as fast as it can and says on standard output which ones are recorded."""

import asyncio
import os
import sys
from pathlib import Path

import uvloop

from toolgate.audit.journal import Journal
from toolgate.audit.syncing import Pace

from .samples import SIGNER, decision, outcome


async def write(directory: Path) -> None:
    journal = Journal.open(directory, SIGNER, "node", "interval", "key", Pace(50_000, 0.1, 500))
    while True:
        decision_id = journal.new_id()
        await journal.record(decision(decision_id))
        os.write(1, f"{decision_id}\n".encode())
        journal.append(outcome(decision_id))
        await asyncio.sleep(0)


if __name__ == "__main__":
    uvloop.run(write(Path(sys.argv[1])))
