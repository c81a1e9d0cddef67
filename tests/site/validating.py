"""What a validator says of pages (html-validate, from `make clients`)."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Final

import pytest

_ROOT: Final = Path(__file__).parents[2]
PROGRAM: Final = _ROOT / ".venvs/html/node_modules/html-validate/bin/html-validate.mjs"
NODE: Final = _ROOT / ".venvs/bin/node"
RULES: Final = {"extends": ["html-validate:standard"], "rules": {"no-inline-style": "error", "require-sri": "off"}}


def faults(folder: Path) -> str:
    """The faults of every page in a folder, "" for none; without the validator the test is skipped."""
    if not PROGRAM.exists() or not NODE.exists():
        (pytest.fail if os.environ.get("CI") else pytest.skip)("needs html-validate: `make clients`")
    with tempfile.NamedTemporaryFile("w", suffix=".json") as rules:
        json.dump(RULES, rules)
        rules.flush()
        words = [str(NODE), str(PROGRAM), "--config", rules.name, str(folder)]
        done = subprocess.run(words, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0 or done.stdout, done.stderr
    return done.stdout if done.returncode else ""


def faults_of(page: str) -> str:
    """The faults of one page."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "page.html").write_text(page)
        return faults(Path(folder))
