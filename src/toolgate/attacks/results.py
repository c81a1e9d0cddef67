"""What came of playing cases, and the file of a data directory that keeps the last result of each."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Literal

import msgspec

from toolgate.attacks.case import Verdict
from toolgate.errors import ToolgateError

FILE: Final = "attacks.json"
CheckName = Literal["bare", "stopped", "wrong", "recorded", "benign", "passes", "companion"]
TITLES: Final[dict[CheckName, str]] = {
    "bare": "succeeds without the gateway",
    "stopped": "is stopped, and nothing reached the server",
    "wrong": "the tempting mistake does not stop it",
    "recorded": "the record names the rule",
    "benign": "honest work goes on",
    "passes": "passes the gateway, as the page says",
    "companion": "the companion control stops it",
}


class Check(msgspec.Struct, frozen=True):
    """One assertion about a case: whether it held, and in one sentence what was seen."""

    name: CheckName
    held: bool
    told: str


class Played(msgspec.Struct, frozen=True):
    """A case that was played. `at` is in epoch seconds, `took` in milliseconds; `rule` is what the record named."""

    slug: str
    verdict: Verdict
    checks: list[Check]
    rule: str
    at: float
    took: int
    version: str

    @property
    def held(self) -> bool:
        """Whether everything was as the case says."""
        return all(check.held for check in self.checks)


def save(data: Path, played: Iterable[Played]) -> None:
    """Keep these as the last results of their cases, beside those of the others; replaced as a whole."""
    kept = {**last(data), **{each.slug: each for each in played}}
    file, fresh = data / FILE, data / f"{FILE}.{os.getpid()}"
    fresh.write_bytes(msgspec.json.encode(list(kept.values())))
    fresh.replace(file)


def last(data: Path) -> dict[str, Played]:
    """The last result of each case that was played for this data directory. Raises ToolgateError."""
    file = data / FILE
    try:
        text = file.read_bytes()
    except FileNotFoundError:
        return {}
    try:
        return {each.slug: each for each in msgspec.json.decode(text, type=list[Played])}
    except msgspec.DecodeError as error:
        raise ToolgateError(str(file), f"cannot be read: {error}", "remove it, and run the attacks again") from error
