"""One bounded run of a program: time, output and everything it started are limited."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import anyio
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import BaseModel

CHUNK = 64 * 1024
KEPT = ("PATH", "HOME", "TMPDIR", "CARGO_HOME", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN", "CARGO_TARGET_DIR")
"""What a program sees of the server's own environment; credentials of the operator are not among it."""
ALWAYS = {"CARGO_TERM_COLOR": "never", "CARGO_INCREMENTAL": "0", "CARGO_PROFILE_DEV_DEBUG": "0"}


@dataclass(slots=True)
class Bounds:
    """Seconds that a run may take and bytes of each output stream that are kept."""

    seconds: float
    size: int


class Ran(BaseModel):
    """What a run left behind. `truncated` says that output beyond the size asked for was dropped."""

    exit_code: int
    stdout: str
    stderr: str
    truncated: bool


async def execute(words: Sequence[str], folder: Path, bounds: Bounds) -> Ran:
    """Run `words` in `folder`; raises ToolError when the time is over. No process of the run outlives this call."""
    environment = {name: os.environ[name] for name in KEPT if name in os.environ} | ALWAYS
    process = await asyncio.create_subprocess_exec(
        *words, cwd=folder, env=environment, stdin=DEVNULL, stdout=PIPE, stderr=PIPE, start_new_session=True
    )
    try:
        async with asyncio.timeout(bounds.seconds):
            return await _outcome(process, bounds.size)
    except TimeoutError as error:
        raise ToolError(f"`{' '.join(words)}` was stopped after {bounds.seconds:g} seconds") from error
    finally:
        # The process leads a group of its own; what it left running ends with it, also on cancellation.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        with anyio.CancelScope(shield=True):
            await process.wait()


async def _outcome(process: asyncio.subprocess.Process, size: int) -> Ran:
    assert process.stdout is not None
    assert process.stderr is not None
    (out, out_cut), (err, err_cut), code = await asyncio.gather(
        _head(process.stdout, size), _head(process.stderr, size), process.wait()
    )
    return Ran(exit_code=code, stdout=out, stderr=err, truncated=out_cut or err_cut)


async def _head(stream: asyncio.StreamReader, size: int) -> tuple[str, bool]:
    """The first `size` bytes as text; the rest is read and dropped so that the writer never blocks."""
    kept = bytearray()
    cut = False
    while chunk := await stream.read(CHUNK):
        room = size - len(kept)
        cut = cut or len(chunk) > room
        kept += chunk[:room]
    return kept.decode(errors="replace"), cut
