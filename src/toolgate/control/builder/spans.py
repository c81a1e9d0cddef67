"""A JSON text read with the place of everything in it, so that an edit can leave the rest as it is."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from jiter import LosslessFloat

from toolgate.errors import ToolgateError

DEEPEST = 64
_SPACE = re.compile(r"[ \t\n\r]*")
_SCALAR = re.compile(r"true|false|null|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_STRINGS = json.JSONDecoder()
_WORDS: dict[str, object] = {"true": True, "false": False, "null": None}


class Unreadable(ToolgateError):
    """A text that is no JSON."""


class NoPlace(ToolgateError):
    """A pointer that leads nowhere in the text."""


@dataclass(slots=True)
class Node:
    """A value: `text[start:end]`. `value` is that of a scalar; fractions keep their spelling as LosslessFloat."""

    start: int
    end: int = 0
    kind: str = "scalar"
    value: object = None
    members: list[Member] = field(default_factory=list)
    items: list[Node] = field(default_factory=list)

    def member(self, key: str) -> Member | None:
        """The member under a key."""
        return next((member for member in self.members if member.key == key), None)

    def plain(self) -> Any:
        """The JSON value."""
        if self.kind == "object":
            return {member.key: member.node.plain() for member in self.members}
        if self.kind == "array":
            return [item.plain() for item in self.items]
        return self.value


@dataclass(slots=True)
class Member:
    """A key of an object with its value; `start` is where the quoted key begins."""

    key: str
    start: int
    key_end: int
    node: Node

    @property
    def end(self) -> int:
        """Where the value ends."""
        return self.node.end


def read(text: str) -> Node:
    """The value of the whole text. Raises Unreadable where it is no JSON."""
    node = _value(text, _skip(text, 0), DEEPEST)
    if _skip(text, node.end) != len(text):
        raise _unreadable(text, _skip(text, node.end))
    return node


def find(root: Node, pointer: str) -> Node:
    """What an RFC 6901 pointer leads to. Raises NoPlace."""
    node = root
    for token in tokens(pointer):
        below = _step(node, token)
        if below is None:
            raise NoPlace(pointer, "leads nowhere in the policy", "somebody may have changed it meanwhile: look again")
        node = below
    return node


def has(root: Node, pointer: str) -> bool:
    """Whether the pointer leads somewhere."""
    node: Node | None = root
    for token in tokens(pointer):
        node = _step(node, token) if node is not None else None
    return node is not None


def tokens(pointer: str) -> list[str]:
    """The keys of a pointer, unescaped."""
    return [token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:]]


def _step(node: Node, token: str) -> Node | None:
    if node.kind == "object":
        member = node.member(token)
        return member.node if member else None
    if node.kind == "array" and token.isascii() and token.isdigit() and int(token) < len(node.items):
        return node.items[int(token)]
    return None


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _value(text: str, at: int, depth: int) -> Node:
    opening = text[at : at + 1]
    if opening in ("{", "["):
        if not depth:
            raise Unreadable("policy", f"is deeper than {DEEPEST} levels", "a policy needs eight at most")
        return _object(text, at, depth) if opening == "{" else _array(text, at, depth)
    if opening == '"':
        value, end = _string(text, at)
        return Node(at, end, value=value)
    found = _SCALAR.match(text, at)
    if found is None:
        raise _unreadable(text, at)
    return Node(at, found.end(), value=_scalar(found.group()))


def _scalar(written: str) -> object:
    if written in _WORDS:
        return _WORDS[written]
    return int(written) if written.lstrip("-").isdigit() else LosslessFloat(written.encode())


def _string(text: str, at: int) -> tuple[str, int]:
    if text[at : at + 1] != '"':
        raise _unreadable(text, at)
    try:
        value, end = _STRINGS.raw_decode(text, at)
    except json.JSONDecodeError as error:
        raise _unreadable(text, error.pos) from error
    return str(value), end


def _object(text: str, at: int, depth: int) -> Node:
    node = Node(at, kind="object")
    at = _skip(text, at + 1)
    while text[at : at + 1] != "}":
        if node.members:
            at = _after_comma(text, at)
        key, key_end = _string(text, at)
        colon = _skip(text, key_end)
        if text[colon : colon + 1] != ":":
            raise _unreadable(text, colon)
        value = _value(text, _skip(text, colon + 1), depth - 1)
        node.members.append(Member(key, at, key_end, value))
        at = _skip(text, value.end)
    node.end = at + 1
    return node


def _array(text: str, at: int, depth: int) -> Node:
    node = Node(at, kind="array")
    at = _skip(text, at + 1)
    while text[at : at + 1] != "]":
        if node.items:
            at = _after_comma(text, at)
        item = _value(text, at, depth - 1)
        node.items.append(item)
        at = _skip(text, item.end)
    node.end = at + 1
    return node


def _after_comma(text: str, at: int) -> int:
    if text[at : at + 1] != ",":
        raise _unreadable(text, at)
    return _skip(text, at + 1)


def _unreadable(text: str, at: int) -> Unreadable:
    line = text.count("\n", 0, at) + 1
    column = at - text.rfind("\n", 0, at)
    cause = "ends too early" if at >= len(text) else f"has a `{text[at]}` that JSON does not have there"
    return Unreadable(f"line {line}, column {column}", cause, "correct the JSON at that place")
