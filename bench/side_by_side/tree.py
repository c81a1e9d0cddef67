"""What a gateway costs the machine: the CPU time and memory of its processes, all of them."""

from __future__ import annotations

import os
import time
from pathlib import Path

import psutil

TICK = 1 / os.sysconf("SC_CLK_TCK")


class Tree:
    """A process and its descendants, except those that run the command `without`."""

    def __init__(self, pid: int, without: tuple[str, ...] = ("",)) -> None:
        self.root = psutil.Process(pid)
        self.without = list(without)

    def processes(self) -> list[psutil.Process]:
        return [one for one in [self.root, *self.root.children(recursive=True)] if self._counts(one)]

    def _counts(self, process: psutil.Process) -> bool:
        try:
            return process.cmdline()[: len(self.without)] != self.without
        except psutil.NoSuchProcess:
            return False

    def cpu(self) -> dict[int, float]:
        """CPU seconds (user and system) of each process, by its id."""
        found = {}
        for process in self.processes():
            try:
                times = process.cpu_times()
            except psutil.NoSuchProcess:
                continue
            found[process.pid] = times.user + times.system
        return found

    def memory(self) -> float:
        """Proportional set size in MiB: pages that are shared count once."""
        total = 0
        for process in self.processes():
            try:
                lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()
            except OSError:
                continue
            total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        return total / 1024

    def rest(self, longest: float = 10.0) -> None:
        """Wait until the tree does next to nothing any more: work put off to after the answer counts too."""
        deadline = time.monotonic() + longest
        before = sum(self.cpu().values())
        while time.monotonic() < deadline:
            time.sleep(0.5)
            now = sum(self.cpu().values())
            if now - before <= 2 * TICK:
                return
            before = now
