"""A draft looked at: is it valid, what do the lints say, and what differs from the live revision."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass

from toolgate.control.builder.spans import Unreadable, find, has, read
from toolgate.policy.definition import Definition
from toolgate.policy.document import Document, PolicyError, Problem, parse
from toolgate.policy.lint import Finding, lint

_CONTEXT = 3


@dataclass(slots=True, frozen=True)
class Look:
    """`document` is None where the draft is not valid."""

    text: str
    document: Document | None
    problems: tuple[Problem, ...]
    findings: tuple[Finding, ...]

    @property
    def valid(self) -> bool:
        """Whether it could be saved."""
        return self.document is not None

    def line_of(self, pointer: str) -> int | None:
        """The line of the text (from 1) where a pointer leads; None where the text cannot be read so far."""
        try:
            root = read(self.text)
        except Unreadable:
            return None
        while pointer and not has(root, pointer):
            pointer = pointer.rpartition("/")[0]
        return self.text.count("\n", 0, find(root, pointer).start) + 1


def look(text: str, definitions: Mapping[str, Definition] | None = None) -> Look:
    """Look a draft over; with definitions also against the tools of a server."""
    if faults := faults_of(text):
        return Look(text, None, faults, ())
    document = Document.trusted(text)
    return Look(text, document, (), tuple(lint(document, definitions)))


def faults_of(text: str) -> tuple[Problem, ...]:
    """Everything for which the text is no valid policy."""
    try:
        parse(text)
    except PolicyError as error:
        return _placed(text) or tuple(error.problems)
    return ()


def _placed(text: str) -> tuple[Problem, ...]:
    """Where a text is no JSON: the line and column, which the engine does not tell."""
    try:
        read(text)
    except Unreadable as error:
        return (Problem("", f"{error.place} {error.cause}", error.mend),)
    return ()


def lines(before: str, after: str) -> list[tuple[str, str]]:
    """The differing lines with three around them: pairs of a sign (`+`, `-`, space, `…` for a gap) and the line."""
    old, new = before.splitlines(), after.splitlines()
    found: list[tuple[str, str]] = []
    for group in difflib.SequenceMatcher(None, old, new, autojunk=False).get_grouped_opcodes(_CONTEXT):
        if found or group[0][1] > 0:
            found.append(("…", f"line {group[0][3] + 1}"))
        for tag, low, high, start, end in group:
            if tag == "equal":
                found += [(" ", line) for line in old[low:high]]
            else:
                found += [("-", line) for line in old[low:high]] + [("+", line) for line in new[start:end]]
    return found
