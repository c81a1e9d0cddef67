"""Paths of conditions: how they are written, and what they find in the arguments of a call."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final
from unicodedata import normalize


class Gap(Enum):
    """Found in place of a value; the text says what is wrong with the argument."""

    MISSING = "is missing"
    SHAPE = "does not have the shape that the rule reads"
    TWIN = "is spelled with a key that differs only in case"


MISSING: Final = Gap.MISSING


class Each(Enum):
    """The step `[*]`."""

    EACH = "[*]"


EACH: Final = Each.EACH
Step = str | int | Each
FIXED_ROOTS = frozenset(
    {"grant.label", "principal", "session.id", "time.hour", "time.weekday", "time.iso"}
    | {"tool.name", "tool.category", "tool.risk"}
)
"""What a condition may read beside arguments and `grant.labels.KEY`."""


@dataclass(slots=True, frozen=True)
class Path:
    """`root` is `args`, `params`, `grant.labels` (with the key as the one step) or one of the fixed roots."""

    text: str
    root: str
    steps: tuple[Step, ...] = ()
    key: str = ""
    """The first step; every path that has steps begins with a key."""

    @property
    def reads_arguments(self) -> bool:
        """Whether the path starts in what the caller sent."""
        return self.root in ("args", "params")

    @property
    def shown(self) -> str:
        """How a message names it."""
        if not self.reads_arguments:
            return f"`{self.text}`"
        kind = "argument" if self.root == "args" else "parameter"
        return f"{kind} `{self.text[len(self.root) :].removeprefix('.')}`"


class BadPath(ValueError):
    """A path that cannot be read; the text is the cause."""


def parse_path(text: str) -> Path:
    """Raise `BadPath` with the cause."""
    if text in FIXED_ROOTS:
        return Path(text, text)
    for root in ("args", "params", "grant.labels"):
        if text.startswith((root + ".", root + "[")):
            return _rooted(text, root)
    raise BadPath(f"the path `{text}` starts with nothing that a condition can read")


def _rooted(text: str, root: str) -> Path:
    steps = tuple(parse_steps(text, len(root)))
    if root == "grant.labels" and (len(steps) != 1 or not isinstance(steps[0], str)):
        raise BadPath(f"the path `{text}` must name one label")
    if not isinstance(steps[0], str):
        raise BadPath(f"the path `{text}` must begin with a key")
    return Path(text, root, steps, steps[0])


def parse_steps(text: str, at: int) -> Iterator[Step]:
    """The steps of `text` from `at` on: `.key`, `["any key"]`, `[0]`, `[*]`."""
    while at < len(text):
        if text[at] == ".":
            key = _bare_key(text, at + 1)
            at += 1 + len(key)
            yield key
        else:
            step, at = _bracketed(text, at)
            yield step


def _bare_key(text: str, at: int) -> str:
    end = at
    while end < len(text) and text[end] not in '.[]"':
        end += 1
    if end == at:
        raise BadPath(f"the path `{text}` has an empty key")
    return text[at:end]


def _bracketed(text: str, at: int) -> tuple[Step, int]:
    if text.startswith("[*]", at):
        return EACH, at + 3
    if text.startswith('["', at):
        return _quoted(text, at + 1)
    close = text.find("]", at)
    digits = text[at + 1 : close] if text[at] == "[" and close > 0 else ""
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 9 or (digits[0] == "0" and digits != "0"):
        raise BadPath(f'the path `{text}` needs `.key`, `["key"]`, `[0]` or `[*]` at character {at + 1}')
    return int(digits), close + 1


def _quoted(text: str, at: int) -> tuple[str, int]:
    try:
        key, end = json.JSONDecoder().raw_decode(text, at)
    except json.JSONDecodeError as error:
        raise BadPath(f"the path `{text}` has a quoted key that does not end") from error
    if not text.startswith("]", end):
        raise BadPath(f"the path `{text}` has a quoted key that does not end with `]`")
    return str(key), end + 1


def fold(key: str) -> str:
    """The form in which keys are the same to a server that decodes without regard to case."""
    if key.isascii():
        return key.lower()
    return normalize("NFKC", normalize("NFKC", key).casefold())


def has_twin(value: dict[str, object], key: str) -> bool:
    """Whether another key of the object folds to the same as `key`."""
    folded = fold(key)
    return any(other != key and fold(other) == folded for other in value)


def member(value: object, key: str) -> object:
    """One step into an object; a key beside which a twin stands is no value, present or not."""
    if type(value) is not dict:
        return value if type(value) is Gap else Gap.SHAPE
    found = value.get(key, MISSING)
    return Gap.TWIN if len(value) > (found is not MISSING) and has_twin(value, key) else found


def element(value: object, index: int) -> object:
    """One step into an array."""
    if type(value) is not list:
        return value if type(value) is Gap else Gap.SHAPE
    return value[index] if index < len(value) else MISSING


def walk(value: object, steps: tuple[Step, ...]) -> object:
    """What `steps` (without `[*]`) find, or a `Gap`."""
    for step in steps:
        value = member(value, step) if type(step) is str else element(value, step)  # type: ignore[arg-type]
    return value


def elements(value: object) -> list[object]:
    """What `[*]` ranges over; a value that is no array counts as one element that no condition can read."""
    if type(value) is list:
        return value
    return [value if type(value) is Gap else Gap.SHAPE]


def spread(value: object, steps: tuple[Step, ...]) -> Iterator[object]:
    """Everything that a path with `[*]` finds, gaps included."""
    if EACH not in steps:
        yield walk(value, steps)
        return
    at = steps.index(EACH)
    for item in elements(walk(value, steps[:at])):
        yield from spread(item, steps[at + 1 :])
