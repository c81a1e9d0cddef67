"""The official conformance suite as a program, and what it found."""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
NODE = ROOT / ".venvs/bin/node"
PROGRAM = ROOT / ".venvs/conformance/node_modules/@modelcontextprotocol/conformance/dist/index.js"
VERSIONS = ("2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28")
EXTENSION = "extension"
"""The version that the suite names for scenarios of no revision: it runs them in the latest one."""
AT_ONCE = 4
_LISTED = re.compile(r"^ +- (\S+) \[(.*)\]$", re.MULTILINE)


@dataclass(frozen=True)
class Run:
    """One scenario in one revision."""

    scenario: str
    version: str


@dataclass(frozen=True)
class Check:
    """One thing that a run looked at. The same thing may be looked at several times."""

    name: str
    status: str

    @property
    def failed(self) -> bool:
        return self.status in {"FAILURE", "WARNING"}


Found = dict[Run, list[Check]]


class Suite:
    """Runs scenarios against servers, some processes at once. `folder` takes the suite's own files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._runs = 0

    async def scenarios(self, side: str = "--server") -> list[Run]:
        """Every scenario for one side (`--server`, `--client`) in every revision that it has."""
        listed = await self._say("list", side)
        return [Run(name, version) for name, versions in _LISTED.findall(listed) for version in versions.split(",")]

    async def judge(self, url: str, scenarios: Iterable[Run]) -> Found:
        """What the suite found at `url`: a process for each revision, and one for each scenario of an extension.

        What failed is tried once more by itself: some scenarios wait half a second for an answer, and no longer.
        """
        wanted = list(scenarios)
        extensions = [[run] for run in wanted if run.version == EXTENSION]
        revisions = [[run for run in wanted if run.version == version] for version in VERSIONS]
        found = await self._judge_all(url, [*extensions, *filter(None, revisions)])
        return found | await self._judge_all(url, [[run] for run in _failed(found)])

    async def judge_client(self, command: str, scenarios: Iterable[Run], environment: Mapping[str, str]) -> Found:
        """What the suite found of a client that it starts with this command, for each run anew; failures twice."""
        found = dict(await asyncio.gather(*(self._judge_client(command, run, environment) for run in scenarios)))
        again = _failed(found)
        return found | dict(await asyncio.gather(*(self._judge_client(command, run, environment) for run in again)))

    async def _judge_client(self, command: str, run: Run, environment: Mapping[str, str]) -> tuple[Run, list[Check]]:
        folder = self._new_folder()
        which = ("--scenario", run.scenario, "--spec-version", run.version)
        async with self._turn:
            await self._say("client", "--command", command, "--output-dir", str(folder), *which, **environment)
        return run, _checks(folder, run.scenario)

    def _new_folder(self) -> Path:
        self._runs += 1
        return self._folder / str(self._runs)

    async def _judge_all(self, url: str, groups: list[list[Run]]) -> Found:
        found = await asyncio.gather(*(self._judge(url, group) for group in groups))
        return {run: checks for part in found for run, checks in part.items()}

    async def _judge(self, url: str, runs: list[Run]) -> Found:
        folder, first = self._new_folder(), runs[0]
        which = ["--scenario", first.scenario] if len(runs) == 1 else ["--suite", "all"]
        if first.version != EXTENSION:
            which += ["--spec-version", first.version]
        async with self._turn:
            await self._say("server", "--url", url, "--output-dir", str(folder), *which)
        return {run: _checks(folder, run.scenario) for run in runs}

    async def _say(self, *words: str, **environment: str) -> str:
        """The program's output; that checks failed is no error here."""
        pipe, variables = asyncio.subprocess.PIPE, {**os.environ, **environment}
        program = await asyncio.create_subprocess_exec(NODE, PROGRAM, *words, stdout=pipe, stderr=pipe, env=variables)
        output, errors = await program.communicate()
        assert program.returncode in {0, 1}, errors.decode()
        return output.decode()


def _failed(found: Found) -> list[Run]:
    return [run for run, checks in found.items() if any(check.failed for check in checks)]


def _checks(folder: Path, scenario: str) -> list[Check]:
    """The checks of a scenario, which must have run."""
    (file,) = (path for path in folder.glob("*/checks.json") if _scenario_of(path) == scenario)
    checks = json.loads(file.read_text())
    return [Check(each["name"], each["status"]) for each in checks]


def _scenario_of(path: Path) -> str:
    return re.sub(r"^(?:server-)?(.*)-\d{4}-\d\d-\d\dT.*$", r"\1", path.parent.name)


def lost(before: Iterable[Check], after: Iterable[Check]) -> set[str]:
    """The checks that passed before and do not after (failed, warned of, no longer looked at), or are new and fail."""
    known = list(before)
    good, still = (Counter(check.name for check in checks if check.status == "SUCCESS") for checks in (known, after))
    names = {check.name for check in known}
    new = {check.name for check in after if check.failed and check.name not in names}
    return set(good - still) | new
