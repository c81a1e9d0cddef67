"""The stubs in the clothes of somebody's own server: its tool names, parameters and schemas, so that its policy is met.

A tool of a stub becomes the tool of the other server that does the same: of the same category, with the signals that
the attack abuses on a parameter each, and the nearest name. What has no such tool there is left out, and an attack
that needs it has nothing to abuse.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from toolgate.attacks.abuse import TELLING
from toolgate.attacks.stubs.stub import Arguments, Definition, Stub
from toolgate.classifier.choices import amount_of
from toolgate.classifier.classify import Classification, classify_all
from toolgate.classifier.naming import name_words
from toolgate.classifier.parameters import parameters

_OF_PARAMETERS: Final = frozenset({"path", "url", "code", "mail", "secret", "markup"})
"""Signals that a parameter gives: an argument of the attack goes into that parameter."""


_CHOSEN: Final = 1_000


@dataclass(slots=True, frozen=True)
class Judged:
    """A tool with what it does."""

    tool: Definition
    found: Classification

    @property
    def name(self) -> str:
        """The tool's name."""
        return str(self.tool["name"])

    def signals(self) -> dict[str, str]:
        """The parameter of each signal, "" where it is about the whole tool."""
        return {signal.id: signal.parameter for signal in self.found.signals}

    def words(self) -> frozenset[str]:
        """The words of its name."""
        return frozenset(name_words(self.name))


@dataclass(slots=True, frozen=True)
class Fit:
    """A tool of theirs that stands for one of a stub.

    `parameters` are theirs by the stub's names, `fixed` what theirs needs besides, `absent` what the stub's needs and
    theirs has no place for.
    """

    theirs: Definition
    parameters: Mapping[str, str]
    fixed: Mapping[str, Any]
    absent: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The name that the agent calls."""
        return str(self.theirs["name"])

    def outward(self, arguments: Arguments) -> Arguments:
        """The stub's arguments as theirs."""
        said = {self.parameters[key]: value for key, value in arguments.items() if key in self.parameters}
        return {**self.fixed, **said}

    def inward(self, arguments: Arguments) -> Arguments:
        """Theirs as the stub's."""
        said = {key: arguments[name] for key, name in self.parameters.items() if name in arguments}
        return {**self.absent, **said}


def fits(stub: Sequence[Definition], theirs: Sequence[Definition], chosen: Mapping[str, str]) -> dict[str, Fit]:
    """For each tool of a stub the one of theirs that does the same, each of theirs once, the likest pairs first.

    Of tools that are like the same one of theirs, the one that stands earlier in `stub` gets it.

    `chosen` are pairs that a person gave, which count before all others.
    """
    pairs = [(_score(own, other, chosen), own, other) for own in _judged(stub) for other in _judged(theirs)]
    found: dict[str, Fit] = {}
    for score, own, other in sorted(pairs, key=lambda pair: -pair[0]):  # stable: of like pairs the earlier tool's
        taken = own.name in found or any(fit.name == other.name for fit in found.values())
        fit = _fit(own, other) if score and not taken else None
        if fit is not None:
            found[own.name] = fit
    return found


def _score(own: Judged, other: Judged, chosen: Mapping[str, str]) -> int:
    """How much two tools are alike; a pair that a person gave comes first, and leaves nothing else to its tool."""
    if own.name in chosen:
        return _CHOSEN if chosen[own.name] == other.name else 0
    return _likeness(own, other)


def _judged(tools: Sequence[Definition]) -> list[Judged]:
    return [Judged(tool, found) for tool, found in zip(tools, classify_all(tools), strict=True)]


def _likeness(own: Judged, other: Judged) -> int:
    """How much two tools are alike; 0 where they do different things."""
    if own.found.category != other.found.category:
        return 0
    wanted = own.signals().keys() & _OF_PARAMETERS
    if not wanted <= other.signals().keys():
        return 0
    shared = len(own.words() & other.words())
    if not (shared or wanted or own.found.category in TELLING):
        return 0
    return 1 + shared + len(own.signals().keys() & other.signals().keys())


def _fit(own: Judged, other: Judged) -> Fit | None:
    """Every parameter that the attack may abuse finds one of theirs, or the tools do not fit."""
    found: dict[str, str] = {}
    for name in own.tool["inputSchema"].get("properties", {}):
        place = _place(name, own, other, set(found.values()))
        if place is not None:
            found[name] = place
        elif name in own.signals().values() or name == _amount(own):
            return None
    fixed, absent = _rest(other.tool, set(found.values())), _rest(own.tool, set(found))
    return Fit(other.tool, found, fixed, absent)


def _rest(tool: Definition, said: set[str]) -> dict[str, Any]:
    """Plain values for what a tool must have and nothing was said of."""
    schema = tool.get("inputSchema", {})
    properties = schema.get("properties", {})
    return {name: _sample(properties.get(name)) for name in schema.get("required", ()) if name not in said}


def _amount(judged: Judged) -> str:
    return amount_of(parameters(judged.tool.get("inputSchema")))


def _place(name: str, own: Judged, other: Judged, taken: set[str]) -> str | None:
    """Where an argument goes: to its namesake, else where the same signal is, else to the amount, else to a text."""
    properties = other.tool.get("inputSchema", {}).get("properties", {})
    if name in properties:
        return name
    alike = [other.signals().get(signal) for signal, parameter in own.signals().items() if parameter == name]
    if _amount(own) == name:
        alike.append(_amount(other))
    kind = own.tool["inputSchema"]["properties"][name].get("type")
    of_kind = [key for key, said in properties.items() if isinstance(said, dict) and said.get("type") == kind]
    free = [key for key in [*alike, *of_kind] if key and key not in taken]
    return free[0] if free else None


def _sample(schema: Any) -> Any:
    """A plain value of a schema, for what a call must have and the attack does not care for."""
    if not isinstance(schema, dict):
        return "x"
    for key in ("default", "const"):
        if key in schema:
            return schema[key]
    if schema.get("enum"):
        return schema["enum"][0]
    kind = schema.get("type")
    plain: dict[Any, Any] = {"integer": 1, "number": 1, "boolean": False, "array": [], "object": {}, "null": None}
    return plain.get(kind[0] if isinstance(kind, list) and kind else kind, "x")


class Dressed(Stub):
    """A stub that shows and answers their tools."""

    def __init__(self, inner: Stub, fitted: Mapping[str, Fit]) -> None:
        super().__init__(inner.folder)
        self._inner = inner
        self._fitted = fitted
        self._own = {fit.name: own for own, fit in fitted.items()}

    def definitions(self) -> list[Definition]:
        """Theirs where one fits, else the stub's own."""
        return [
            {**self._fitted[tool["name"]].theirs, "description": tool.get("description", "")}
            if tool["name"] in self._fitted
            else tool
            for tool in self._inner.definitions()
        ]

    def instructions(self) -> str:
        """The stub's."""
        return self._inner.instructions()

    async def answer(self, tool: str, arguments: Arguments) -> str:
        """What the stub answers to the call that is meant."""
        own = self._own.get(tool)
        if own is None:
            return await self._inner.answer(tool, arguments)
        return await self._inner.answer(own, self._fitted[own].inward(arguments))

    async def open(self) -> None:
        """Start what the stub needs."""
        await self._inner.open()

    async def close(self) -> None:
        """End it."""
        await self._inner.close()
