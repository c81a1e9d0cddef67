"""`python -m toolgate.control --data DIR`: started by the gateway, ends when its standard input does."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from pathlib import Path

from toolgate.control.configured import lines_of
from toolgate.control.process import ControlProcess
from toolgate.errors import ToolgateError

_NICENESS = 15
"""What is slow here may wait: a call must not."""


def main() -> int:
    """Run until the gateway is gone."""
    parser = argparse.ArgumentParser(prog="python -m toolgate.control", description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--config", type=Path)
    parser.add_argument("--prune", action="store_true")
    arguments = parser.parse_args()
    # Ctrl-C reaches the whole process group; the gateway decides when this process may go.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(_NICENESS)
    try:
        control = ControlProcess(
            arguments.data, arguments.host, arguments.port, config=arguments.config, prune=arguments.prune
        )
        asyncio.run(control.run())
    except ToolgateError as error:
        print(*lines_of(error), sep="\n", file=sys.stderr)  # noqa: T201 - the child's way to say why it ends
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
