"""Reads the cases that come with Toolgate, and says what is wrong with one that is not as docs/attacks.md describes."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec

from toolgate.attacks.case import Case
from toolgate.attacks.kinds import KINDS
from toolgate.errors import ToolgateError
from toolgate.policy.document import PolicyError, parse

CASES: Final = Path(__file__).parent / "cases"
REPLAYS: Final = Path(__file__).parent / "replays.toml"
_FIRST_REPLAY: Final = 101
_SLUG: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


class CaseUnreadable(ToolgateError):
    """A file of cases that is not as docs/attacks.md describes."""


def load(path: Path) -> Case:
    """Read one case and check what its types do not say. Raises CaseUnreadable, naming file, place and cause."""
    return _case({**_toml(path), "slug": path.stem}, path.name)


def replays(path: Path = REPLAYS) -> list[Case]:
    """The cases about the protocol: a file of short entries over what they have in common. Raises CaseUnreadable."""
    read = _toml(path)
    entries = read.pop("replay")
    return [
        _case(_over(read, entry, number), f"{path.name}, {entry.get('slug')}")
        for number, entry in enumerate(entries, _FIRST_REPLAY)
    ]


def _over(shared: dict[str, Any], entry: dict[str, Any], number: int) -> dict[str, Any]:
    """An entry over what all have in common; tables are joined key by key."""
    joined = {key: {**value, **entry.get(key, {})} for key, value in shared.items() if isinstance(value, dict)}
    joined["stopped"].setdefault("records", len(entry.get("sends", ())))
    return {**shared, **entry, **joined, "number": number}


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CaseUnreadable(path.name, str(error), "docs/attacks.md describes every key") from error


def _case(value: dict[str, Any], place: str) -> Case:
    try:
        case = msgspec.convert(value, Case)
    except msgspec.ValidationError as error:
        raise CaseUnreadable(place, str(error), "docs/attacks.md describes every key") from error
    for problem in _problems(case):
        raise CaseUnreadable(place, problem, "docs/attacks.md describes every key")
    return case


@cache
def all_cases() -> tuple[Case, ...]:
    """Every case that comes with Toolgate, by number."""
    cases = [*(load(path) for path in CASES.glob("*.toml")), *replays()]
    return tuple(sorted(cases, key=lambda case: case.number))


def with_slug(slug: str) -> Case | None:
    """The case with this slug, None where there is none."""
    return next((case for case in all_cases() if case.slug == slug), None)


def find(reference: str) -> Case:
    """The case with this slug or number. Raises ToolgateError."""
    for case in all_cases():
        if reference in (case.slug, str(case.number)):
            return case
    raise ToolgateError(reference, "there is no such attack", "`toolgate attack list` names all")


def _problems(case: Case) -> list[str]:
    found = [] if _SLUG.fullmatch(case.slug) else ["the name of the file is no slug"]
    found += [] if case.kind in KINDS else [f"`kind` is `{case.kind}`, which kinds.py does not have"]
    found += [f"`{server}` has a policy but is no server" for server in case.policies if server not in case.servers]
    found += _policy_problems(case)
    found += _play_problems(case)
    return found


def _policy_problems(case: Case) -> list[str]:
    found = []
    for which, policies in (("policies", case.policies), ("wrong.policies", case.wrong.policies)):
        for server, text in policies.items():
            try:
                parse(text)
            except PolicyError as error:
                found.append(f"`{which}.{server}` is no valid policy: {error}")
    return found


def _play_problems(case: Case) -> list[str]:
    stops = case.verdict != "NO"
    found = ["a case that is stopped says how under `stopped`"] if stops and case.stopped is None else []
    if case.verdict == "BOUND" and (case.stopped is None or case.stopped.bound is None):
        found.append("a BOUND case names its bound under `stopped.bound`")
    if case.verdict == "NO" and case.companion is None:
        found.append("a NO case names the companion control")
    if not case.play and not any(step.list or step.call for step in case.steps):
        found.append("no step lists or calls anything, and there is no `play`")
    return found
