"""No child outlives its parent: a watcher ends a process group when the process that started it is gone.

A parent-death signal reaches only the first process of a group, on Linux alone, and asks for code between fork and
exec. A shell that waits for the end of a pipe sees every death of its parent, `kill -9` too, and ends whole groups.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from contextlib import suppress
from typing import Final

_LOOK: Final = 0.02
_SCRIPT: Final = """
trap '' HUP INT TERM
read -r group || exit 0
read -r released && exit 0
kill -s TERM -- "-$group" || exit 0
sleep 1
kill -s KILL -- "-$group"
"""


class Watcher:
    """Started before the child, so that no moment is without it; raises OSError where there is no `/bin/sh`."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            ("/bin/sh", "-c", _SCRIPT),
            env={"PATH": os.defpath},  # whatever PATH the operator has, `sleep` is where the system keeps it
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            bufsize=0,
        )

    def watch(self, group: int) -> None:
        """End this process group when the present process ends without `release`."""
        self._tell(b"%d\n" % group)

    def release(self) -> None:
        """The group has ended: nothing is left to watch."""
        if self._process.returncode is None:
            self._tell(b"released\n")
            self._process.kill()
            self._process.communicate()

    def _tell(self, line: bytes) -> None:
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # somebody ended the watcher; the child is none the worse for it
            self._process.stdin.write(line)


def end_group(group: int, number: int) -> bool:
    """Signal a process group; False when nothing is left of it."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    except PermissionError:  # a member runs as somebody else by now: it is not ours to end
        return False
    return True


async def end_rest(group: int, seconds: float) -> None:
    """End what is left of a group whose first process is gone: TERM, and KILL after `seconds`."""
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    alive = end_group(group, signal.SIGTERM)
    while alive and loop.time() < until:
        await asyncio.sleep(_LOOK)
        alive = end_group(group, 0)
    if alive:
        end_group(group, signal.SIGKILL)
