"""The ignore list: findings that somebody looked at and lives with, each with the reason and, better, an end."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from toolgate.errors import ToolgateError
from toolgate.scanner.findings import Finding
from toolgate.scanner.items import KINDS
from toolgate.scanner.rules import RULES
from toolgate.store.names import shown

FILE: Final = ".toolgate-ignore"
EVERY: Final = "*"
_KEYS: Final = frozenset({"id", "rule", "server", "tool", "item", "reason", "until"})
_MOST: Final = 4 * 1024 * 1024


@dataclass(slots=True, frozen=True)
class Ignore:
    """One entry: of a finding by its `id`, or of a `rule` on a server's `tool` ("" the server itself, `*` each).

    Or on an `item` beside its tools, by its label; `prompt *` is each of its prompts.
    """

    number: int
    reason: str
    id: str = ""
    rule: str = ""
    server: str = ""
    tool: str = ""
    item: str = ""
    until: date | None = None

    def fits(self, finding: Finding) -> bool:
        """Whether the entry is about this finding."""
        if self.id:
            return finding.fingerprint == self.id
        same = (finding.rule_id, finding.server) == (self.rule, self.server)
        if self.item or finding.item:
            return same and self.item in (finding.item, f"{finding.item.partition(' ')[0]} {EVERY}")
        return same and self.tool in (EVERY, finding.tool)

    def expired(self, today: date) -> bool:
        """Whether its last day is over."""
        return self.until is not None and self.until < today

    @property
    def about(self) -> str:
        """What it is about, in a few words."""
        return self.id or " ".join(part for part in (self.rule, self.server, self.tool, self.item) if part)


def read_ignores(path: Path) -> list[Ignore]:
    """The entries of an ignore list. Raises ToolgateError naming the entry that is wrong."""
    try:
        with path.open("rb") as file:
            content = tomllib.loads(file.read(_MOST).decode())
    except OSError as error:
        raise ToolgateError(str(path), f"cannot be read: {error.strerror}", "check the path") from None
    except (ValueError, RecursionError) as error:
        raise ToolgateError(str(path), f"is no TOML: {error}", "each entry begins with [[ignore]]") from None
    entries = content.get("ignore", [])
    if set(content) - {"ignore"} or not isinstance(entries, list):
        raise ToolgateError(str(path), "holds something else than entries", "each entry begins with [[ignore]]")
    return [_entry(f"{path}: entry {number}", number, entry) for number, entry in enumerate(entries, 1)]


def _entry(place: str, number: int, entry: Any) -> Ignore:
    if not isinstance(entry, dict) or set(entry) - _KEYS:
        strange = sorted(set(entry) - _KEYS) if isinstance(entry, dict) else [str(entry)]
        raise ToolgateError(place, f"`{shown(strange[0])}` means nothing here", f"use {', '.join(sorted(_KEYS))}")
    until = entry.pop("until", None)
    if until is not None and (not isinstance(until, date) or isinstance(until, datetime)):
        raise ToolgateError(place, "`until` is no date", "write it as 2027-01-31, without quotes")
    wrong = next((key for key, value in entry.items() if not isinstance(value, str) or not value.strip()), "")
    if wrong:
        raise ToolgateError(place, f"`{wrong}` is no text", "write it in quotes")
    _check(place, entry)
    return Ignore(number, until=until, **entry)


def _check(place: str, entry: Sequence[str] | dict[str, str]) -> None:
    assert isinstance(entry, dict)
    if "reason" not in entry:
        raise ToolgateError(place, "gives no `reason`", "say why the finding may stay")
    by_rule = {"rule", "server"} <= entry.keys()
    if ("id" in entry) == by_rule or ("id" in entry and entry.keys() & {"rule", "server", "tool", "item"}):
        raise ToolgateError(place, "does not say which finding", "give its `id` alone, or `rule`, `server` and `tool`")
    if {"tool", "item"} <= entry.keys():
        raise ToolgateError(place, "names a tool and an item", "make an entry of each")
    if entry.get("item", KINDS[0]).partition(" ")[0] not in KINDS:
        mend = "write `instructions`, or `prompt`, `resource` or `template` with the name or the address behind it"
        raise ToolgateError(place, f"`{shown(entry['item'])}` is no item", mend)
    if by_rule and entry["rule"] not in RULES:
        raise ToolgateError(place, f"`{shown(entry['rule'])}` is no rule", "`docs/scan.md` lists them")
