"""Definitions of strangers on their way into the catalogue: bounded, and stored as data or refused by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Final, TypeAlias

import msgspec

from toolgate.catalogue.entries import Refusal, ServerFacts
from toolgate.policy.definition import fingerprint
from toolgate.protocol.json_rules import parse
from toolgate.protocol.malformed import Malformed
from toolgate.store.errors import BadInput
from toolgate.store.names import shown

MOST_NAME: Final = 512
"""Characters of the name of a server or tool."""
MOST_TEXT: Final = 4_000
"""Characters of what is said of a server, each piece; the rest is cut."""
MOST_DEFINITION: Final = 1024 * 1024
"""Bytes of a definition as JSON."""
MOST_IN_ALL: Final = 32 * MOST_DEFINITION
"""Bytes of all definitions of one server."""
MOST_TOOLS: Final = 5_000
"""Tools of one server."""
DEEPEST: Final = 64
"""Levels of a definition, one in another."""
_KEPT: Final = ("name", "title", "description", "inputSchema", "outputSchema", "annotations")
Definition: TypeAlias = dict[str, object]


@dataclass(slots=True, frozen=True)
class Accepted:
    """A definition that may be stored: what of it counts, as an object and as JSON text."""

    name: str
    definition: Definition
    text: str
    fingerprint: str


class Unfit(Exception):
    """Why a definition is refused."""


def accept(tools: Iterable[Mapping[str, object]]) -> tuple[list[Accepted], list[Refusal]]:
    """What of a server's list can be stored, in its order, and what is refused.

    Of two definitions with one name the first counts. The bounds of this module hold; beyond them the rest is refused.
    """
    accepted: dict[str, Accepted] = {}
    refused: list[Refusal] = []
    size = 0
    for tool in tools:
        try:
            fit = _fit(tool, accepted)
            size += len(fit.text)
            _check_room(len(accepted), size)
            accepted[fit.name] = fit
        except Unfit as unfit:
            refused.append(Refusal(shown(_name_of(tool)), str(unfit)))
    return list(accepted.values()), refused


def check_server(facts: ServerFacts) -> ServerFacts:
    """The facts with their texts cut to what is kept. Raises BadInput for a name that cannot be one."""
    if not facts.name or len(facts.name) > MOST_NAME or _clean(facts.name) != facts.name:
        cause = f"`{shown(facts.name)}` is not the name of a server"
        raise BadInput("server", cause, f"use 1 to {MOST_NAME} characters that UTF-8 can write")
    texts = {each.name: _clean(getattr(facts, each.name))[:MOST_TEXT] for each in fields(facts) if each.name != "name"}
    return replace(facts, **texts)


def _clean(text: str) -> str:
    """Without halves of surrogate pairs, which no file in UTF-8 can hold."""
    return text.encode("utf-8", "ignore").decode()


def _fit(tool: Mapping[str, object], known: Mapping[str, Accepted]) -> Accepted:
    if not isinstance(tool, Mapping):
        raise Unfit("it is no JSON object")
    name = _name_of(tool)
    if not name or len(name) > MOST_NAME:
        raise Unfit(f"its name is no text of 1 to {MOST_NAME} characters")
    if name in known:
        raise Unfit("the server lists this name twice")
    definition = {key: tool[key] for key in _KEPT if key in tool}
    if _is_deep(definition):
        raise Unfit(f"it is nested deeper than {DEEPEST} levels")
    text = _text(definition)
    read = _read(text)
    return Accepted(name, read, text, fingerprint(read))


def _check_room(tools: int, size: int) -> None:
    if tools >= MOST_TOOLS or size > MOST_IN_ALL:
        raise Unfit(f"the server lists more than {MOST_TOOLS} tools or {MOST_IN_ALL} bytes")


def _text(definition: Definition) -> str:
    try:
        encoded = msgspec.json.encode(definition, enc_hook=_numeral)
    except (TypeError, ValueError, OverflowError):  # halves of surrogate pairs, keys that are no text
        raise Unfit("it cannot be written as JSON in UTF-8") from None
    if len(encoded) > MOST_DEFINITION:
        raise Unfit(f"it is larger than {MOST_DEFINITION} bytes")
    return encoded.decode()


def _read(text: str) -> Definition:
    """The definition as the gateway reads it, so that the fingerprint is the same wherever it comes from.

    It must be one for whoever reads the file, too: a number beyond the range of doubles is none.
    """
    try:
        read = parse(text.encode(), "definition")
        msgspec.json.decode(text)
    except Malformed as error:
        raise Unfit(error.cause) from None
    except ValueError:
        raise Unfit("it holds a number beyond the range of doubles") from None
    assert isinstance(read, dict)
    return read


def _numeral(value: object) -> msgspec.Raw:
    """A number whose text the strict reader kept. Raises ValueError for anything else."""
    text = str(value)
    float(text)
    return msgspec.Raw(text.encode())


def _is_deep(value: object) -> bool:
    """Whether a value is nested too deep; level by level, so that no depth ends the walk."""
    level: Sequence[object] = [value]
    for _ in range(DEEPEST + 1):
        level = [inner for each in level for inner in _inside(each)]
        if not level:
            return False
    return True


def _inside(value: object) -> Iterable[object]:
    if isinstance(value, Mapping):
        return value.values()
    return value if isinstance(value, list) else ()


def _name_of(tool: Any) -> str:
    name = tool.get("name") if isinstance(tool, Mapping) else None
    return name if isinstance(name, str) else ""
