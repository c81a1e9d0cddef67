"""Where one gateway is tried: a folder, ports, and processes on the gateway's core or on the other one."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
# Each gateway has the first core to itself; upstream and load share the second.
GATEWAY_CORE, OTHER_CORE = 0, 1
HTTP_SERVER = (sys.executable, "-m", "bench.side_by_side.upstream")
STDIO_SERVER = (*HTTP_SERVER, "stdio")


@dataclass
class Endpoint:
    """A running gateway as its clients see it. `started` is when its process was (`time.perf_counter`)."""

    url: str
    headers: dict[str, str]
    process: subprocess.Popen[bytes] | None
    started: float


@dataclass
class Place:
    """One gateway's corner of the machine."""

    folder: Path
    upstream: str

    def environment_of(self, name: str) -> Path:
        """The programs of the locked environment `.venvs/bench-NAME`."""
        return ROOT / ".venvs" / f"bench-{name}" / "bin"

    def run(self, *command: str | Path, environment: Mapping[str, str] | None = None) -> str:
        """A command that ends by itself; gives what it printed."""
        done = subprocess.run(
            [str(part) for part in command],
            cwd=self.folder,
            env=_environment(environment),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise SystemExit(f"{command[0]}: {done.stderr or done.stdout}")
        return done.stdout

    @contextmanager
    def gateway(
        self, command: Sequence[str | Path], environment: Mapping[str, str] | None = None, core: int = GATEWAY_CORE
    ) -> Iterator[subprocess.Popen[bytes]]:
        """A process of this place on one core; its output goes to `log` there, and all of it ends with the block."""
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                ["taskset", "-c", str(core), *(str(part) for part in command)],
                cwd=self.folder,
                env=_environment(environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")[-2000:]


def _environment(extra: Mapping[str, str] | None) -> dict[str, str]:
    path = f"{os.environ['PATH']}:/usr/sbin"
    modules = f"{ROOT}:{os.environ.get('PYTHONPATH', '')}"
    return {**os.environ, "PATH": path, "PYTHONPATH": modules, **(extra or {})}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def now() -> float:
    return time.perf_counter()
