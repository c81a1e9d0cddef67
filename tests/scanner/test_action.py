"""The GitHub Action: its steps run in bash as they stand, on the bundled server."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text())
INSTALL, SCAN = ACTION["runs"]["steps"]
CARGO = f"'{sys.executable}' -m toolgate.demo.cargo"


def scan(folder: Path, **given: str) -> subprocess.CompletedProcess[str]:
    """Run the step with inputs as the runner fills them in."""
    inputs = {name: about["default"] for name, about in ACTION["inputs"].items()} | given
    filled = {
        name: re.sub(r"\$\{\{ inputs\.([a-z-]+) \}\}", lambda found: inputs[found[1]], text)
        for name, text in SCAN["env"].items()
    }
    environment = {**os.environ, **filled, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    words = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", SCAN["run"]]
    return subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False)


def test_every_input_has_a_default_and_reaches_the_step() -> None:
    text = json.dumps(SCAN["env"])
    for name, about in ACTION["inputs"].items():
        assert isinstance(about["default"], str), name
        assert f"inputs.{name} " in text, name
        assert about["description"]


@pytest.mark.parametrize("step", ACTION["runs"]["steps"], ids=lambda step: step["name"])
def test_no_input_is_part_of_a_script(step: dict[str, Any]) -> None:
    assert step["shell"] == "bash"
    assert "${{" not in step["run"]
    subprocess.run(["bash", "-n"], input=step["run"], text=True, check=True)


def test_the_install_step_takes_the_checked_out_ref_with_its_locks() -> None:
    assert INSTALL["env"] == {"TOOLGATE_SOURCE": "${{ github.action_path }}"}
    assert "--require-hashes" in INSTALL["run"]
    assert (ROOT / "locks/runtime.txt").is_file()


@pytest.mark.slow
def test_the_step_scans_a_command_and_fails_on_what_it_finds(tmp_path: Path) -> None:
    done = scan(tmp_path, command=CARGO, name="cargo")
    assert done.returncode == 1, done.stderr
    assert "12 tools: 1 Destructive, 7 Execute, 2 Write, 2 Read" in done.stdout
    results = json.loads((tmp_path / "toolgate.sarif").read_text())["runs"][0]["results"]
    assert sum(result["level"] == "error" for result in results) == 8


@pytest.mark.slow
def test_the_step_passes_with_a_higher_level_or_a_baseline(tmp_path: Path) -> None:
    assert scan(tmp_path, command=CARGO, **{"fail-on": "none"}).returncode == 0
    toolgate = [sys.executable, "-m", "toolgate", "scan", "--no-store", "--baseline", "known.json", "--write-baseline"]
    cargo = ["--name", "cargo", "--", sys.executable, "-m", "toolgate.demo.cargo"]
    subprocess.run([*toolgate, *cargo], cwd=tmp_path, check=True, capture_output=True, timeout=120)
    assert scan(tmp_path, command=CARGO, name="cargo", baseline="known.json").returncode == 0


@pytest.mark.slow
def test_what_an_input_holds_is_not_run(tmp_path: Path) -> None:
    done = scan(tmp_path, catalogue="$(touch run)", name='"; touch run; "', command="a b; touch run")
    assert done.returncode != 0
    assert not (tmp_path / "run").exists()
