"""What a person should look at in what a server says beside its tools: instructions, prompts, resources, templates."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final, Literal, TypeAlias

from toolgate.classifier.hazards.hazard import Hazard
from toolgate.classifier.hazards.texts import survey
from toolgate.classifier.hazards.wording import few_of_each, heavy, of_texts

ItemKind: TypeAlias = Literal["instructions", "prompt", "resource", "template"]
"""A template is one of resources: its address has parts that the client fills in."""

NAMED_BY: Final[Mapping[ItemKind, str]] = {"prompt": "name", "resource": "uri", "template": "uriTemplate"}
"""The field by which a client asks for one; the instructions of a server are one text."""
_NAME: Final = re.compile(r"name|uri|uriTemplate|arguments\[\d+\]\.name")
_TEXTS: Final = ("title", "description")


def item_hazards(kind: ItemKind, said: object) -> list[Hazard]:
    """The hazards of one of them, as the server says it; bounded in time and number.

    They are those of every rule: whether a rule has a meaning for the kind, who asks decides.
    """
    found = survey(said, lambda place: _NAME.fullmatch(place) is not None)
    return list(few_of_each([*_shape(kind, said), *of_texts(found), *heavy(found)]))


def _shape(kind: ItemKind, said: object) -> Iterator[Hazard]:
    if kind == "instructions":
        if not isinstance(said, str):
            yield Hazard("malformed-definition", "", "is no text")
        return
    if not isinstance(said, Mapping):
        yield Hazard("malformed-definition", "", "is no object")
        return
    yield from _fields("", said, tuple(dict.fromkeys((NAMED_BY[kind], "name"))))
    if kind == "prompt" and said.get("arguments") is not None:
        yield from _arguments(said["arguments"])


def _fields(before: str, said: Mapping[str, object], wanted: tuple[str, ...]) -> Iterator[Hazard]:
    for field in wanted:
        if not isinstance(said.get(field), str) or not said[field]:
            yield Hazard("malformed-definition", f"{before}{field}", "is missing, or no text")
    for field in _TEXTS:
        if said.get(field) is not None and not isinstance(said[field], str):
            yield Hazard("malformed-definition", f"{before}{field}", "is no text")


def _arguments(listed: object) -> Iterator[Hazard]:
    if not isinstance(listed, list):
        yield Hazard("malformed-definition", "arguments", "is no list")
        return
    for number, argument in enumerate(listed):
        if isinstance(argument, Mapping):
            yield from _fields(f"arguments[{number}].", argument, ("name",))
        else:
            yield Hazard("malformed-definition", f"arguments[{number}]", "is no object")
