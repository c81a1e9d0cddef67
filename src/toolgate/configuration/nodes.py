"""YAML as this project reads it: JSON's values in a friendlier dress, with the line of each.

Left out on purpose: anchors and aliases (a cycle, or a page that unfolds to gigabytes), tags, several documents in one
file, keys that stand twice, and words that only some readers take for booleans. A plain scalar is `null`, `true`,
`false`, a number as JSON writes it, or else a text: `yes`, `on`, `007`, `1:30` and `2027-01-31` are texts. JSON is a
part of it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import yaml
from yaml import events

from toolgate.policy.entries import escape
from toolgate.store.names import shown

MAX_SIZE = 1024 * 1024
"""Bytes of a configuration file."""

MAX_DEPTH = 64

Path: TypeAlias = tuple[str | int, ...]
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_WORDS: dict[str, object] = {"": None, "~": None, "null": None, "true": True, "false": False}


class Unreadable(Exception):
    """The text is no YAML, or none that is read here, so that nothing can be said of the rest."""

    def __init__(self, line: int, cause: str, mend: str) -> None:
        super().__init__(cause)
        self.line, self.cause, self.mend = line, cause, mend


@dataclass(slots=True, frozen=True)
class Flaw:
    """Something wrong at a place of the document that does not keep the rest from being read.

    `file` is where it stands when that is a file which the document names: `careful.json: /tools/run`.
    """

    path: Path
    line: int
    cause: str
    mend: str
    file: str = ""


@dataclass(slots=True)
class Node:
    """One value of the document. `text` is a scalar as it was written; `line` (from 1) is that of its key, if any."""

    kind: Literal["plain", "quoted", "list", "map"]
    line: int
    text: str = ""
    items: list[Node] = field(default_factory=list)
    entries: dict[str, Node] = field(default_factory=dict)

    def value(self) -> Any:
        """The value for the schema. Numbers become 0: no key of a configuration takes one, so none is ever computed."""
        if self.kind == "map":
            return {key: node.value() for key, node in self.entries.items()}
        if self.kind == "list":
            return [node.value() for node in self.items]
        if self.kind == "plain":
            return _WORDS.get(self.text, 0 if _NUMBER.fullmatch(self.text) else self.text)
        return self.text

    def json(self, indent: str = "") -> str:
        """The value as JSON text, its numbers digit by digit as they were written."""
        inner = indent + "  "
        if self.kind == "map":
            rows = [f"{json.dumps(key, ensure_ascii=False)}: {node.json(inner)}" for key, node in self.entries.items()]
            return _block("{", rows, "}", indent)
        if self.kind == "list":
            return _block("[", [node.json(inner) for node in self.items], "]", indent)
        value = self.value()
        return self.text if type(value) is int else json.dumps(value, ensure_ascii=False)

    def at(self, path: Sequence[str | int]) -> Node:
        """The node at a path, or the nearest one above it."""
        node = self
        for step in path:
            if isinstance(step, int) and step < len(node.items):
                node = node.items[step]
            elif isinstance(step, str) and step in node.entries:
                node = node.entries[step]
            else:
                break
        return node


def _block(begin: str, rows: list[str], end: str, indent: str) -> str:
    if not rows:
        return begin + end
    inner = indent + "  "
    return f"{begin}\n{inner}" + f",\n{inner}".join(rows) + f"\n{indent}{end}"


def pointer(path: Sequence[str | int]) -> str:
    """A path as RFC 6901 writes it."""
    return "".join(f"/{escape(str(step))}" for step in path)


def read(text: str) -> tuple[Node, list[Flaw]]:
    """The document and what is wrong with its notation. Raises Unreadable."""
    reading = _Reading(yaml.parse(text, Loader=yaml.SafeLoader))
    try:
        return reading.document(), reading.flaws
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        cause = f"is not YAML: {error.problem or error.context or 'it cannot be read'}"
        raise Unreadable(mark.line + 1 if mark else 1, cause, "correct it there or just above") from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise Unreadable(line, "holds a character that YAML does not allow", "remove it, or write it escaped") from None
    except yaml.YAMLError as error:
        raise Unreadable(1, f"is not YAML: {' '.join(str(error).split())}", "correct it") from None
    except (ValueError, OverflowError):  # how the parser takes an escape beyond Unicode, such as "\UFFFFFFFF"
        raise Unreadable(1, "has an escape that stands for no character", "remove it") from None


class _Reading:
    """One pass over the parser's events; nothing is built that the events did not hold."""

    def __init__(self, parsed: Iterator[events.Event]) -> None:
        self._events = parsed
        self.flaws: list[Flaw] = []

    def document(self) -> Node:
        next(self._events)
        if isinstance(next(self._events), events.StreamEndEvent):
            raise Unreadable(1, "is empty", 'begin with `version: "1"`')
        root = self._node(next(self._events), ())
        next(self._events)
        after = next(self._events)
        if not isinstance(after, events.StreamEndEvent):
            raise Unreadable(_line(after), "holds a second document", "keep one document in one file")
        return root

    def _node(self, event: events.Event, path: Path) -> Node:
        line = _line(event)
        if len(path) > MAX_DEPTH:
            raise Unreadable(line, "is nested too deeply", f"at most {MAX_DEPTH} levels")
        if isinstance(event, events.AliasEvent):
            self._flaw(path, line, f"`*{event.anchor}` is an alias", "write the value out: aliases are not read")
            return Node("plain", line)
        assert isinstance(event, events.ScalarEvent | events.CollectionStartEvent)
        self._plain_dress(event, path, line)
        if isinstance(event, events.SequenceStartEvent):
            return self._list(path, line)
        if isinstance(event, events.MappingStartEvent):
            return self._map(path, line)
        assert isinstance(event, events.ScalarEvent)
        if any(0xD800 <= ord(char) < 0xE000 for char in event.value):
            self._flaw(path, line, "the text holds a lone surrogate", "write the character itself")
            return Node("quoted", line)
        return Node("plain" if event.implicit[0] and event.style is None else "quoted", line, event.value)

    def _plain_dress(self, event: events.ScalarEvent | events.CollectionStartEvent, path: Path, line: int) -> None:
        if event.anchor is not None:
            self._flaw(path, line, f"`&{event.anchor}` is an anchor", "leave it out: aliases are not read")
        if event.tag is not None:
            self._flaw(path, line, f"`{event.tag}` is a tag", "leave it out: tags are not read")

    def _list(self, path: Path, line: int) -> Node:
        node = Node("list", line)
        while not isinstance(event := next(self._events), events.SequenceEndEvent):
            node.items.append(self._node(event, (*path, len(node.items))))
        return node

    def _map(self, path: Path, line: int) -> Node:
        node = Node("map", line)
        while not isinstance(event := next(self._events), events.MappingEndEvent):
            named = self._node(event, (*path, ""))
            key = named.text if named.kind in ("plain", "quoted") else ""
            if named.kind in ("list", "map"):
                self._flaw(path, named.line, "a key is no text", "write a name before the colon")
            if key in node.entries:
                self._flaw((*path, key), named.line, f"the key `{shown(key)}` stands twice", "remove one of them")
            node.entries[key] = value = self._node(next(self._events), (*path, key))
            value.line = named.line
        return node

    def _flaw(self, path: Path, line: int, cause: str, mend: str) -> None:
        self.flaws.append(Flaw(path, line, cause, mend))


def _line(event: events.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1
