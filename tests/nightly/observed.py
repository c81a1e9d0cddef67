"""`python -m tests.nightly.observed ...`: toolgate, which on SIGUSR1 writes down what its event loop has to do.

The file is `observed.json` in the working directory of the process's `--data`: how many tasks of which coroutine.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections import Counter
from pathlib import Path

from toolgate.__main__ import main

FILE = "observed.json"


def observe(number: int, frame: object) -> None:
    data = Path(sys.argv[sys.argv.index("--data") + 1])
    tasks = Counter(getattr(task.get_coro(), "__qualname__", "?") for task in asyncio.all_tasks())
    written = data / f"{FILE}.new"
    written.write_text(json.dumps(tasks))
    os.replace(written, data / FILE)


if __name__ == "__main__":
    signal.signal(signal.SIGUSR1, observe)
    main()
