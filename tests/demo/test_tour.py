"""The tour itself, played to its end as `make demo` plays it, and interrupted."""

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from .endings import alive

TOUR = [sys.executable, "-m", "toolgate.demo.tour"]

pytestmark = pytest.mark.slow


def started_in(folder: Path) -> list[psutil.Process]:
    """The processes that work in `folder`, which all of a tour do."""
    found = psutil.process_iter(["cwd"])
    return [process for process in found if process.info["cwd"] == str(folder)]


def play(folder: Path, **environment: str) -> str:
    """The output of a whole tour that is started in `folder`."""
    words, given = [*TOUR, "--exit"], os.environ | environment
    done = subprocess.run(words, cwd=folder, env=given, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    assert not done.stderr
    assert not alive(started_in(folder))
    return done.stdout


def test_the_tour_shows_what_a_policy_does(tmp_path: Path) -> None:
    if shutil.which("cargo") is None:
        pytest.skip("needs cargo")
    output = play(tmp_path)
    assert "Hello, reader of this page!" in output
    assert "Release builds are made by the pipeline." in output
    assert "Unknown tool: remove" in output
    assert output.count("11 calls of `run`: the first 10 pass") == 2
    assert len(re.findall(r"Retry after 20\d\d-\d\d-\d\dT", output)) == 2
    assert "has an undeclared argument `Release`" in output
    assert "no builds today" in output
    assert "Requires human approval." in output
    assert "the agent hears:" in output
    assert "The call that was shown went on to the server; the waiting agent reads:" in output
    assert "the agent's next request fails" in output
    assert "The same policy over stdio" in output
    assert "claude mcp add --transport http cargo http://127.0.0.1:" in output
    assert "deny" in output.partition("The records")[2]


def test_without_cargo_it_says_so_and_serves_files(tmp_path: Path) -> None:
    output = play(tmp_path, PATH="/nonexistent")
    assert "There is no cargo on this machine" in output
    assert "Secrets are not for agents." in output
    assert "Unknown tool: delete_file" in output


def test_without_exit_it_stays_up_until_it_is_interrupted(tmp_path: Path) -> None:
    words = {"cwd": tmp_path, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    environment = os.environ | {"PATH": "/nonexistent"}
    with subprocess.Popen(TOUR, env=environment, **words) as process:  # type: ignore[call-overload]
        seen = []
        for line in process.stdout:
            seen.append(line)
            if "Press Ctrl-C" in line:
                break
        started = started_in(tmp_path)
        assert len(started) >= 3, "".join(seen)
        process.send_signal(signal.SIGINT)
        assert process.stdout.read() == "\nended\n"
    assert process.returncode == 0
    assert not alive(started)
    assert (tmp_path / ".cache/demo/data/journal").is_dir()
