"""What the documents say is so: links lead somewhere, commands and targets exist, policies are valid."""

import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from toolgate.cli.root import root
from toolgate.policy.document import parse
from toolgate.policy.operators import BASE

from . import reading
from .reading import PAGES, ROOT

ELSEWHERE = ("--url", "--token")
"""Options that stand before a command, each with a value."""


@pytest.mark.parametrize("page", PAGES, ids=reading.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in reading.links(page):
        if link.startswith("https://"):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{link} of {reading.name(page)} leads nowhere"
        assert not anchor or anchor in reading.anchors(target), f"{link} of {reading.name(page)} has no such heading"


def test_the_first_page_names_the_two_commands_that_do_everything() -> None:
    text = (ROOT / "README.md").read_text()
    assert "make demo" in text
    assert "make test" in text


def test_the_first_page_leads_to_every_other() -> None:
    known = {(ROOT / link).resolve() for link in reading.links(ROOT / "README.md") if "://" not in link}
    for page in PAGES:
        assert page.name == "README.md" or page in known, reading.name(page)


def test_every_make_target_that_a_page_names_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for page in PAGES:
        named = re.findall(r"(?:^|`)make ([a-z-]+)", page.read_text(), re.MULTILINE)
        assert set(named) <= targets, reading.name(page)


def test_every_make_target_is_in_its_help() -> None:
    said = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for target in ("setup", "demo", "test", "check", "nightly", "serve", "lock"):
        assert f"  make {target} " in said


@pytest.mark.parametrize(("page", "line"), list(reading.commands()), ids=str)
def test_every_command_that_a_page_shows_exists_with_its_options(page: Path, line: str) -> None:
    words = shlex.split(line)[1:]
    while words[0] in ELSEWHERE:
        words = words[2:]
    command = root.get_command(None, words[0])
    assert command is not None, line
    rest = words[1:]
    while hasattr(command, "commands") and rest:
        command = command.get_command(None, rest.pop(0))
        assert command is not None, line
    known = {option for parameter in command.params for option in parameter.opts}
    own = rest[: rest.index("--")] if "--" in rest else rest  # what follows is another program's
    options = {word.partition("=")[0] for word in own if word.startswith("--")}
    assert options <= known, line


def values(text: str) -> list[object]:
    """The JSON value of a block, or one a line."""
    try:
        return [json.loads(text)]
    except json.JSONDecodeError:
        return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize("page", PAGES, ids=reading.name)
def test_every_json_block_is_json_and_every_policy_in_it_valid(page: Path) -> None:
    for block in reading.blocks():
        if block.page != page or block.language != "json":
            continue
        for value in values(block.text):
            if isinstance(value, dict) and {"version", "default"} <= value.keys():
                parse(json.dumps(value))


def test_the_policy_page_names_every_operator() -> None:
    text = (ROOT / "docs/policy.md").read_text()
    for operator in BASE:
        assert f"`{operator.name}`" in text


def test_every_decision_is_short() -> None:
    entries = (ROOT / "docs/decisions.md").read_text().split("\n## ")[1:]
    assert entries
    for entry in entries:
        assert len(entry.strip().splitlines()) <= 8, entry


def test_lock_files_have_hashes_and_no_address() -> None:
    files = sorted(ROOT.glob("locks/**/*.txt"))
    assert len(files) >= 5
    for file in files:
        text = file.read_text()
        assert "://" not in text
        packages = re.findall(
            r"^[\w.-]+(?:\[[\w,]+\])?==.*$(?:\n    --hash=sha256:[0-9a-f]{64}.*$)+", text, re.MULTILINE
        )
        assert len(packages) == len(re.findall(r"^[A-Za-z0-9]", text, re.MULTILINE)), file


def test_node_lock_files_have_hashes_and_no_address() -> None:
    wanted = re.search(r"^NODE_SETS := (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert wanted is not None
    assert sorted(path.name for path in (ROOT / "locks/node").iterdir()) == sorted(wanted[1].split())
    for name in wanted[1].split():
        folder = ROOT / "locks/node" / name
        asked = json.loads((folder / "package.json").read_text())["dependencies"]
        locked = json.loads((folder / "package-lock.json").read_text())["packages"]
        assert locked.pop("")["dependencies"] == asked
        for path, package in locked.items():
            assert package["integrity"].startswith("sha512-"), (name, path)
            assert "resolved" not in package, (name, path)


def test_no_file_names_the_host_of_a_package_registry() -> None:
    hosts = re.compile(r"registry[.]npmjs|registry[.]yarnpkg|pypi[.]org|pythonhosted[.]org|crates[.]io|proxy[.]golang")
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    files = [ROOT / name for name in tracked.split("\0") if name]
    assert len(files) > 100
    naming = [file for file in files if file.is_file() and hosts.search(file.read_text(errors="replace"))]
    assert naming == []


def test_the_version_is_in_one_place_or_says_the_same() -> None:
    declared = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    stated = re.search(r'^__version__ = "(.+)"$', (ROOT / "src/toolgate/__init__.py").read_text(), re.MULTILINE)
    assert declared is not None
    assert stated is not None
    assert declared[1] == stated[1]
