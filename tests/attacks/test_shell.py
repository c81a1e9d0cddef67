"""The pretended shell: what it says it would run is what a real one would."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from toolgate.attacks.shell import commands, started

LINES = [
    "true; touch {file}",
    "true && touch {file}",
    "false || touch {file}",
    "true | touch {file}",
    "true & touch {file}; wait",
    "true\ntouch {file}",
    "true $(touch {file})",
    "true `touch {file}`",
    'true "$(touch {file})"',
    "true $(true $(touch {file}))",
    "env X=1 touch {file}",
    "find . -maxdepth 0 -exec touch {file} \\;",
    "sh -c 'true; touch {file}'",
    "find . -maxdepth 0 -exec sh -c 'touch {file}' \\;",
]
QUIET = [
    "true 'x; touch {file}'",
    'true "x; touch {file}"',
    "true '$(touch {file})'",
    "true x\\; touch {file}",
    "true touch {file}",
    "true -exec touch {file}",
]


def runs(line: str, folder: Path) -> bool:
    """Whether a real shell makes the file, told by the file; and whether ours says so, when both agree."""
    file = folder / "made"
    text = line.format(file=file)
    subprocess.run(["/bin/sh", "-c", text], cwd=folder, check=False, capture_output=True)
    told = ["touch", str(file)] in list(commands(text))
    assert told == file.exists(), text
    return told


@pytest.mark.parametrize("line", LINES)
def test_a_line_that_starts_a_second_command_is_seen(line: str, tmp_path: Path) -> None:
    assert runs(line, tmp_path)


@pytest.mark.parametrize("line", QUIET)
def test_a_line_that_only_mentions_a_command_is_not(line: str, tmp_path: Path) -> None:
    assert not runs(line, tmp_path)


@pytest.mark.parametrize(
    "argv",
    [
        ["find", ".", "-exec", "touch", "made", ";"],
        ["find", ".", "-execdir", "touch", "made", "{}", "+"],
        ["env", "-i", "X=1", "touch", "made"],
        ["git", "-c", "core.pager=touch made", "log"],
        ["git", "-c", "alias.x=!touch made", "x"],
        ["tar", "cf", "x", "--checkpoint-action=exec=touch made"],
        ["/usr/bin/env", "sh", "-c", "touch made"],
    ],
)
def test_programs_that_start_others_are_looked_into(argv: list[str]) -> None:
    assert ["touch", "made"] in [*started(argv)]


@pytest.mark.parametrize("argv", [["git", "log", "--oneline"], ["env"], ["find", "."], ["sh", "-x"], ["ls", "touch"]])
def test_other_programs_start_nothing_else(argv: list[str]) -> None:
    assert [*started(argv)] == [argv]


def test_a_line_with_an_open_quote_is_split_at_blanks() -> None:
    assert [*commands("echo 'open")] == [["echo", "'open"]]
