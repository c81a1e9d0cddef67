"""The builder's own scripts, run by node."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
NODE = HERE.parents[2] / ".venvs" / "bin" / "node"


@pytest.mark.slow
def test_places_in_a_text_are_found_by_line() -> None:
    if not NODE.exists():
        pytest.skip("node is not installed in .venvs")
    ran = subprocess.run(
        [NODE, "--test", HERE / "lines.test.mjs"], capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "pass 4" in ran.stdout
