"""The recommended policy with the safeguards that the arguments of its tools ask for, and what is left to fill in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from toolgate.classifier.arguments import arguments_named, arguments_of
from toolgate.classifier.classify import PRECEDENCE, Classification, classify_all
from toolgate.classifier.dialects import dialect_of
from toolgate.classifier.guarded import Judged
from toolgate.classifier.parameters import text_of, words_of
from toolgate.classifier.recommend import Entry, by_category, is_usable, written
from toolgate.classifier.safeguards import Safeguard, asks_for_a_person, safeguards
from toolgate.policy.definition import Definition
from toolgate.policy.entries import escape
from toolgate.policy.trifecta import find_trifecta

_MEETS_STRANGERS = "It sends, where the same grant reads private data and the text of strangers."


@dataclass(slots=True, frozen=True)
class FillIn:
    """A place that holds a stand-in which fits nothing: until somebody writes there what is meant, calls are denied.

    `pointer` is RFC 6901 into the document; `example` is a value that could stand there.
    """

    pointer: str
    what: str
    example: object

    def facts(self) -> dict[str, object]:
        """The same as JSON has it."""
        return {"pointer": self.pointer, "what": self.what, "example": self.example}


@dataclass(slots=True, frozen=True)
class Tightened:
    """A valid document that allows nothing that the one without safeguards denies."""

    document: dict[str, Any]
    fill_ins: tuple[FillIn, ...]

    @property
    def text(self) -> str:
        """The document for people."""
        return written(self.document)


def tighten(
    tools: Iterable[Mapping[str, object]], server: str = "", classified: Sequence[Classification] | None = None
) -> Tightened:
    """`recommend` with safeguards. Of tools with one name the riskiest counts."""
    given = list(tools)
    judged = classify_all(given, server) if classified is None else classified
    pairs = [(judged_of(tool, each, server), tool) for tool, each in zip(given, judged, strict=True)]
    return _tightened([one for one, _ in pairs], [_sketch(one.name, tool) for one, tool in pairs])


def tighten_entries(entries: Iterable[Entry], server: str = "") -> Tightened:
    """The same for tools of the catalogue, as they were judged there.

    Of a tool whose definition is not known every argument counts as one that each call has, and no amounts are summed.
    """
    given = list(entries)
    sketches = [_sketch(entry.name, entry.definition or {}) for entry in given]
    return _tightened([_entered(entry, server) for entry in given], sketches)


def _sketch(name: str, tool: Mapping[str, object]) -> Definition:
    """As much of a definition as the search for the trifecta reads; the rest may be large and deep."""
    annotations = tool.get("annotations")
    hint = annotations.get("openWorldHint") if isinstance(annotations, Mapping) else None
    return Definition({"name": name, "annotations": {"openWorldHint": hint is not False}})


def _entered(entry: Entry, server: str) -> Judged:
    if entry.definition is None:
        arguments = arguments_named(entry.parameters)
    else:
        arguments = arguments_of(entry.definition.get("inputSchema"))
    signals = frozenset(signal.id for signal in entry.signals)
    told = text_of((entry.definition or {}).get("description"))
    dialect = dialect_of([*words_of(server), *words_of(entry.name)], words_of(told))
    return Judged(entry.name, entry.category, tuple(arguments), signals, dialect)


def judged_of(tool: Mapping[str, object], classification: Classification, server: str = "") -> Judged:
    """A tool object as its safeguards see it."""
    name, told = text_of(tool.get("name")), text_of(tool.get("description"))
    return Judged(
        name,
        classification.category,
        tuple(arguments_of(tool.get("inputSchema"))),
        frozenset(signal.id for signal in classification.signals),
        dialect_of([*words_of(server), *words_of(name)], words_of(told)),
    )


def _tightened(tools: Sequence[Judged], definitions: Sequence[Definition]) -> Tightened:
    settled: dict[str, tuple[Judged, Definition]] = {}
    for tool, definition in zip(tools, definitions, strict=True):
        known = settled.get(tool.name)
        if is_usable(tool.name) and (known is None or _risk(tool) > _risk(known[0])):
            settled[tool.name] = tool, definition
    document = by_category((name, tool.category) for name, (tool, _) in settled.items())
    fill_ins = tuple(
        fill_in
        for name, (tool, _) in settled.items()
        if name in document["tools"]
        for fill_in in _add(document["tools"], tool)
    )
    _part([definition for name, (_, definition) in settled.items() if name in document["tools"]], document["tools"])
    return Tightened(document, fill_ins)


def _risk(tool: Judged) -> int:
    return PRECEDENCE.index(tool.category)


def _add(entries: dict[str, Any], tool: Judged) -> Iterator[FillIn]:
    """Write the safeguards of a tool into its entry."""
    entry = entries[tool.name]
    for guard in safeguards(tool):
        rules = entry.setdefault(guard.section, [])
        rules.append(guard.rule)
        yield from _announced(guard, f"/tools/{escape(tool.name)}/{guard.section}/{len(rules) - 1}")
    if reason := asks_for_a_person(tool):
        entry.update({"action": "require_approval", "reason": reason})


def _announced(guard: Safeguard, pointer: str) -> Iterator[FillIn]:
    if guard.blank is not None:
        yield FillIn(pointer + guard.blank.place, guard.blank.what, guard.blank.example)


def _part(definitions: Sequence[Definition], entries: dict[str, Any]) -> None:
    """Part the lethal trifecta: what sends waits for a person where the rest of it is in the same grant."""
    while legs := find_trifecta(_callable(definitions, entries)):
        private, strangers, _ = legs
        by_name = {definition.name: definition for definition in definitions}
        others = [by_name[private], by_name[strangers]]
        for definition in _callable(definitions, entries):
            if found := find_trifecta([*others, definition]):
                entries[found[2]].update({"action": "require_approval", "reason": _MEETS_STRANGERS})


def _callable(definitions: Sequence[Definition], entries: Mapping[str, Any]) -> list[Definition]:
    return [each for each in definitions if entries[each.name].get("action") != "require_approval"]
