"""Whether processes that were told to end did: a signal is sent at once, the kernel takes its time to carry it out."""

from collections.abc import Sequence

import psutil

PATIENCE = 20.0


def alive(processes: Sequence[psutil.Process]) -> list[psutil.Process]:
    """Those that still run after a while; one that nobody reaped yet has ended."""
    _, left = psutil.wait_procs([each for each in processes if not _is_zombie(each)], timeout=PATIENCE)
    return [process for process in left if not _is_zombie(process)]


def _is_zombie(process: psutil.Process) -> bool:
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
