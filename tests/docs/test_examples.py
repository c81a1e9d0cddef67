"""Every example policy has cases, they pass, and they reach every rule of it."""

import asyncio
import json
import shutil
from pathlib import Path

import pytest
from mcp import Client

from toolgate.demo.cargo import cargo_server
from toolgate.policy.cases import run_cases

from .reading import ROOT

EXAMPLES = ROOT / "examples"
CASES = sorted(EXAMPLES.rglob("*.cases.json"))
POLICIES = sorted(set(EXAMPLES.rglob("*.json")) - set(CASES))


@pytest.mark.parametrize("policy", POLICIES, ids=lambda path: path.name)
def test_every_example_has_cases_and_is_in_the_index(policy: Path) -> None:
    cases = policy.with_suffix(".cases.json")
    assert json.loads(cases.read_text())["policy"] == policy.name
    index = (EXAMPLES / "README.md").read_text()
    assert policy.name in index or f"{policy.parent.name}/" in index


@pytest.mark.parametrize("file", CASES, ids=lambda path: path.name)
def test_the_cases_of_an_example_pass_and_cover_it(file: Path) -> None:
    report = run_cases(file.read_bytes(), lambda name: (file.parent / name).read_bytes())
    assert [(result.note, result.differences) for result in report.results if not result.passed] == []
    assert report.uncovered == ()


@pytest.mark.skipif(shutil.which("cargo") is None, reason="needs cargo")
def test_the_cases_of_the_cargo_example_know_the_tool_as_it_is(tmp_path: Path) -> None:
    async def definition() -> object:
        async with Client(cargo_server(tmp_path)) as client:
            return next(tool.input_schema for tool in (await client.list_tools()).tools if tool.name == "run")

    known = json.loads((EXAMPLES / "cargo.cases.json").read_text())["tools"][0]["inputSchema"]
    assert known == asyncio.run(definition())
