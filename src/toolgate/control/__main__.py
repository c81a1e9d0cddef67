"""`python -m toolgate.control SETTINGS`: started by the gateway, ends when its standard input does."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys

import msgspec

from toolgate.control.configured import lines_of
from toolgate.control.process import ControlProcess
from toolgate.errors import ToolgateError
from toolgate.settings import ControlSettings

_NICENESS = 15
"""What is slow here may wait: a call must not."""


def main() -> int:
    """Run until the gateway is gone."""
    parser = argparse.ArgumentParser(prog="python -m toolgate.control", description=__doc__)
    parser.add_argument("settings", help="ControlSettings as JSON")
    settings = msgspec.json.decode(parser.parse_args().settings, type=ControlSettings)
    # Ctrl-C reaches the whole process group; the gateway decides when this process may go.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(_NICENESS)
    try:
        asyncio.run(ControlProcess(settings).run())
    except ToolgateError as error:
        print(*lines_of(error), sep="\n", file=sys.stderr)  # noqa: T201 - the child's way to say why it ends
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
