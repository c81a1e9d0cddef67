"""Every text of a definition with its place: not its description alone, for a model reads all of it.

Names of parameters, defaults, choices, titles and what stands in fields that no specification knows count as texts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

DEEPEST: Final = 40
MOST: Final = 20_000
"""Values of one definition that are looked at."""
LONGEST: Final = 200_000
"""Characters of one definition that are looked at, all texts together."""


@dataclass(slots=True, frozen=True)
class Text:
    """One text. `named` where it is the name of something: of a tool, of a parameter, of a field, of a prompt."""

    place: str
    text: str
    named: bool = False


@dataclass(slots=True, frozen=True)
class Survey:
    """The texts of a definition, in order; `cut` says what was left unread, "" for nothing."""

    texts: tuple[Text, ...]
    cut: str = ""


def _is_tools_name(place: str) -> bool:
    return place == "name"


def survey(definition: object, is_name: Callable[[str], bool] = _is_tools_name) -> Survey:
    """Every text up to 40 levels, 20,000 values and 200,000 characters, without recursion.

    `is_name` says of a place whether the text there is the name of something; keys that somebody chose always are.
    """
    found: list[Text] = []
    waiting: list[tuple[str, object, int]] = [("", definition, 0)]
    seen = size = 0
    while waiting:
        place, value, depth = waiting.pop()
        seen += 1
        if cut := _limit(depth, seen, size):
            return Survey(tuple(found), cut)
        if isinstance(value, str):
            found.append(Text(place, value[: LONGEST + 1], named=is_name(place)))
            size += len(value)
        elif isinstance(value, Mapping | list):
            keys = list(_keys(place, value))
            found += keys
            size += sum(len(each.text) for each in keys)
            waiting += reversed([(step, each, depth + 1) for step, each in _inside(place, value)])
    return Survey(tuple(found), _limit(0, seen, size))


def _limit(depth: int, seen: int, size: int) -> str:
    if depth > DEEPEST:
        return f"it is nested more than {DEEPEST} levels deep"
    if seen > MOST:
        return f"it holds more than {MOST} values"
    return f"it holds more than {LONGEST} characters" if size > LONGEST else ""


def _keys(place: str, value: object) -> Iterator[Text]:
    """The names that somebody chose; those of the specification are never worth a look."""
    if isinstance(value, Mapping):
        for key in value:
            name = str(key)
            if len(name) > 2 and not name.startswith("$"):
                yield Text(f"{place}.{name[:80]}" if place else name[:80], name, named=True)


def _inside(place: str, value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield (f"{place}.{str(key)[:80]}" if place else str(key)[:80]), each
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield f"{place}[{number}]", each
