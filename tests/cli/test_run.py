"""`run` has two readers of its command line: the quick one must know everything that the full one does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import typer

from toolgate.cli import quick, root, run

pytestmark = pytest.mark.slow


def test_the_quick_reader_knows_every_option() -> None:
    command = typer.main.get_command(run.app)
    options = {name for parameter in command.params for name in parameter.opts if name.startswith("-")}
    # What ends at once is no command line of a client.
    assert options == {*quick.OPTIONS, quick.FLAG, "--forget"}
    takers = {p.name for p in command.params if p.name not in {"command", "allow_private", "forget"}}
    assert takers == set(quick.OPTIONS.values())


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["-c"],
        ["-cpolicy.json", "--", "true"],
        ["--polic", "policy.json", "--", "true"],
        ["-c", "policy.json", "--approval-wait", "soon", "--", "true"],
        ["--grant", "x", "--", "true"],
    ],
)
def test_what_is_not_plain_goes_to_the_full_command(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[str]] = []

    def full(arguments: list[str]) -> int:
        seen.append(arguments)
        return 42

    monkeypatch.setattr(root, "run", full)
    assert quick.run(["run", *words]) == 42
    assert seen == [["run", *words]]


@pytest.mark.parametrize("first", ["-c", "--policy", "--policy="])
def test_both_readers_run_the_server_with_its_own_options(tmp_path: Path, first: str) -> None:
    policy = tmp_path / "policy.json"
    policy.write_text('{"version": "1", "default": "allow"}')
    named = [f"{first}{policy}"] if first.endswith("=") else [first, str(policy)]
    server = ["sh", "-c", 'exit "$1"', "-h", "7"]
    for begin in (["-m", "toolgate"], ["-c", "import sys; from toolgate.cli.root import run; sys.exit(run())"]):
        words = [sys.executable, *begin, "run", *named, "--data", str(tmp_path / "data"), *server]
        assert subprocess.run(words, stdin=subprocess.DEVNULL, timeout=60, check=False).returncode == 7
