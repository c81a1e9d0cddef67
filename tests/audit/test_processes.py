"""The journal in processes of its own: killed at any moment, and on a disk that is really full."""

import json
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from toolgate.audit.records import Decision, read_line

from .samples import causes, checked, lines

HERE = Path(__file__).parent
ROOT = HERE.parent.parent


def program(name: str) -> list[str]:
    return [sys.executable, "-m", f"tests.audit.{name}"]


@pytest.mark.slow
def test_a_killed_process_has_written_every_decision_that_it_said_was_recorded(tmp_path: Path) -> None:
    chance = random.Random(58)
    said: list[str] = []
    for _ in range(12):
        said += _killed_after(tmp_path, chance.randrange(1, 3000))
    on_file = [entry.decision_id for entry in map(read_line, _whole_lines(tmp_path)) if isinstance(entry, Decision)]
    assert len(said) > 1000
    assert set(said) <= set(on_file)
    assert len(on_file) <= len(said) + 12
    report = checked(tmp_path)
    assert report.valid, causes(report)
    assert report.chains == 12


def _killed_after(directory: Path, count: int) -> list[str]:
    with subprocess.Popen([*program("writer"), str(directory)], cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(count)]
        process.send_signal(signal.SIGKILL)
        said += process.stdout.readlines()
    return [line.decode().strip() for line in said if line.endswith(b"\n")]


def _whole_lines(directory: Path) -> list[bytes]:
    return [line for line in lines(directory) if line.endswith(b"\n")]


@pytest.mark.slow
def test_on_a_full_disk_calls_are_denied_and_the_ends_of_those_under_way_are_still_written(tmp_path: Path) -> None:
    if shutil.which("unshare") is None or subprocess.run(["unshare", "-rm", "true"], check=False).returncode:
        pytest.skip("needs a mount namespace")
    script = 'mount -t tmpfs -o size=4m none "$0" && exec "$@"'
    command = ["unshare", "-rm", "sh", "-c", script, str(tmp_path), *program("full_disk"), str(tmp_path)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    assert json.loads(ran.stdout or b"null") == {
        "healthy_when_full": False,
        "recorded_is_on_file": True,
        "gaps": 2,
        "valid": True,
    }, ran.stderr.decode()
    assert ran.stderr.decode().count("every call is denied") == 1


@pytest.mark.slow
def test_a_journal_verifies_at_any_moment_while_it_is_written(tmp_path: Path) -> None:
    with subprocess.Popen([*program("writer"), str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        told = 0
        for _ in range(25):
            for _ in range(200):
                told += bool(process.stdout.readline())
            report = checked(tmp_path)
            assert report.valid, causes(report)
            assert report.entries > told, "what the writer was told is on file must be in the report"
        process.kill()
