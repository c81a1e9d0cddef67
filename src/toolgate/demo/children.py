"""Processes that the demo starts: ready when they say so, logged to a file, ended with the block that started them."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from toolgate.errors import ToolgateError

GRACE = 10.0
"""Seconds between asking a process to end and ending it."""


class NotReady(ToolgateError):
    """A process ended before it said that it was ready."""


@contextmanager
def child(words: Sequence[str], log: Path, ready: str, environment: Mapping[str, str] | None = None) -> Iterator[str]:
    """Run `words` for the time of the block; yields the first group of `ready` once a line of its output matches.

    Both output streams go to `log`. The process leads a session of its own, so a Ctrl-C of the terminal reaches only
    the caller, who ends the block; all that the process started ends with it.
    """
    process = subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=environment,
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        with process.stdout as output, log.open("a") as file:
            found = _await_line(output, file, re.compile(ready))
            if found is None:
                raise NotReady(words[0], f"ended with status {process.wait()} before it was ready", f"read {log}")
            copier = threading.Thread(target=_copy, args=(output, file), daemon=True)
            copier.start()
            try:
                yield found
            finally:
                _end(process)
                copier.join()
    finally:
        _end(process)


def _await_line(output: IO[str], log: IO[str], ready: re.Pattern[str]) -> str | None:
    for line in output:
        log.write(line)
        log.flush()
        if match := ready.search(line):
            return match[1]
    return None


def _copy(output: IO[str], log: IO[str]) -> None:
    for line in output:
        log.write(line)
        log.flush()


def _end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(GRACE)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
