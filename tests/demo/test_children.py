import sys
from pathlib import Path

import psutil
import pytest

from toolgate.demo.children import NotReady, child

from .endings import alive

SERVES = """
import subprocess, sys, time
inner = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print("starting", flush=True)
print("ready at", inner.pid, flush=True)
print("afterwards", flush=True)
time.sleep(600)
"""


def test_it_is_ready_when_it_says_so_and_ends_with_the_block(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with child([sys.executable, "-c", SERVES], log, r"ready at (\d+)") as found:
        inner = psutil.Process(int(found))
        assert inner.is_running()
    assert not alive([inner])
    assert log.read_text().startswith("starting\nready at")


def interrupted(log: Path, found: list[psutil.Process]) -> None:
    with child([sys.executable, "-c", SERVES], log, r"ready at (\d+)"):
        found += [process for process in psutil.Process().children() if SERVES in process.cmdline()]
        raise KeyboardInterrupt


def test_it_ends_when_the_block_raises(tmp_path: Path) -> None:
    found: list[psutil.Process] = []
    with pytest.raises(KeyboardInterrupt):
        interrupted(tmp_path / "log", found)
    assert len(found) == 1
    assert not alive(found)


def test_a_process_that_ends_early_is_an_error_that_names_its_log(tmp_path: Path) -> None:
    broken = [sys.executable, "-c", "print('no such option'); raise SystemExit(2)"]
    with (
        pytest.raises(NotReady, match="status 2 before it was ready") as caught,
        child(broken, tmp_path / "log", "(x)x"),
    ):
        pytest.fail("it was never ready")
    assert str(tmp_path / "log") in caught.value.mend
    assert "no such option" in (tmp_path / "log").read_text()
