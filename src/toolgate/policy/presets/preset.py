"""What a preset is: a few rules that many people want, added to a document by name. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from toolgate.errors import ToolgateError
from toolgate.policy.categories import Category
from toolgate.policy.names import is_pattern, matches
from toolgate.policy.trifecta import Leg

Given = Mapping[str, str]
"""The options that were given, as texts by name."""


class BadOption(ToolgateError):
    """An option of a preset that is missing or no such thing; `place` is its name."""


@dataclass(slots=True, frozen=True)
class Known:
    """What a preset asks of a tool.

    `category` is None where nobody judged it, `amount` the path of the argument that says how much money it moves.
    """

    name: str
    category: Category | None = None
    legs: frozenset[Leg] = frozenset()
    amount: str = ""


@dataclass(slots=True, frozen=True)
class Option:
    """One thing that a preset may be told. Without a `default` it has to be; `example` fits."""

    name: str
    words: str
    default: str = ""
    example: str = ""


@dataclass(slots=True, frozen=True)
class Added:
    """A document with the rules of a preset, and what a person should know of them."""

    document: dict[str, Any]
    notes: tuple[str, ...] = ()


@dataclass(slots=True, frozen=True)
class Preset:
    """`lists` says which tools a document that begins with this preset lists; all of them where it is not given."""

    name: str
    summary: str
    add: Callable[[dict[str, Any], Sequence[Known], Given], Added]
    options: tuple[Option, ...] = ()
    needs_tools: bool = False
    lists: Callable[[Known], bool] = lambda _: True


def appended(document: dict[str, Any], *path_and_item: Any) -> dict[str, Any]:
    """The document with an item at the end of the list that the keys lead to; one that stands there stays alone."""
    *keys, item = path_and_item
    key, rest = keys[0], keys[1:]
    if rest:
        return {**document, key: appended(document.get(key, {}), *rest, item)}
    there = document.get(key, [])
    return document if item in there else {**document, key: [*there, item]}


def asking(document: dict[str, Any], name: str, reason: str) -> dict[str, Any]:
    """The document in which every call of the tool waits for a person, and says why."""
    tools = document.get("tools", {})
    entry = {**tools.get(name, {}), "action": "require_approval", "reason": reason}
    return {**document, "tools": {**tools, name: entry}}


def is_reached(document: Mapping[str, Any], name: str) -> bool:
    """Whether calls of the tool get as far as its rules. An entry for any other would list what is denied now."""
    covering = [entry for key, entry in document.get("tools", {}).items() if matches(key, name)]
    if any(matches(key, name) for key in document.get("hide", ())):
        return False
    if any(entry.get("action") == "deny" for entry in covering):
        return False
    allowed = any(entry.get("action") == "allow" for entry in covering)
    return document["default"] == "allow" or allowed or (name in document.get("tools", {}) and not is_pattern(name))


def quoted(names: Sequence[str], most: int = 5) -> str:
    """Names in backticks, the first few of them."""
    shown = ", ".join(f"`{name}`" for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
