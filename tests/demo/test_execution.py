import os
import sys
from pathlib import Path

import psutil
import pytest
from mcp.server.mcpserver.exceptions import ToolError

from toolgate.demo.execution import Bounds, execute

from .endings import alive

pytestmark = pytest.mark.slow

SPAWN = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
open("child.pid", "w").write(str(child.pid))
"""


def ended(file: Path) -> bool:
    pid = int(file.read_text())
    return not alive([process for process in psutil.process_iter() if process.pid == pid])


async def test_exit_code_and_both_streams_come_back(tmp_path: Path) -> None:
    code = "import sys; print('out'); print('err', file=sys.stderr); sys.exit(7)"
    ran = await execute([sys.executable, "-c", code], tmp_path, Bounds(30, 100))
    assert (ran.exit_code, ran.stdout, ran.stderr, ran.truncated) == (7, "out\n", "err\n", False)


async def test_output_beyond_the_size_is_dropped_and_said(tmp_path: Path) -> None:
    ran = await execute([sys.executable, "-c", "print('x' * 5_000_000)"], tmp_path, Bounds(30, 10))
    assert (ran.exit_code, ran.stdout, ran.truncated) == (0, "x" * 10, True)


async def test_output_of_exactly_the_size_is_whole(tmp_path: Path) -> None:
    ran = await execute([sys.executable, "-c", "print('x' * 9)"], tmp_path, Bounds(30, 10))
    assert (ran.stdout, ran.truncated) == ("x" * 9 + "\n", False)


async def test_a_run_beyond_its_time_is_stopped_with_all_it_started(tmp_path: Path) -> None:
    code = SPAWN + "child.wait()\n"
    with pytest.raises(ToolError, match=r"stopped after 3 seconds"):
        await execute([sys.executable, "-c", code], tmp_path, Bounds(3, 100))
    assert ended(tmp_path / "child.pid")


async def test_a_process_left_behind_ends_with_the_run(tmp_path: Path) -> None:
    quiet = SPAWN.replace("])", "], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)", 1)
    ran = await execute([sys.executable, "-c", quiet], tmp_path, Bounds(30, 100))
    assert ran.exit_code == 0
    assert ended(tmp_path / "child.pid")


async def test_the_program_sees_no_credentials_of_the_operator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPERATOR_TOKEN", "hunter2")
    code = "import os; print(sorted(os.environ))"
    ran = await execute([sys.executable, "-c", code], tmp_path, Bounds(30, 10_000))
    assert "OPERATOR_TOKEN" not in ran.stdout
    assert "PATH" in ran.stdout
    assert "OPERATOR_TOKEN" in os.environ
