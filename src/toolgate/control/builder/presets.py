"""A preset put into the draft by the fields `preset:...` of the form."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from toolgate.classifier.legs import known_as_judged
from toolgate.control.builder.fields import Fields
from toolgate.control.builder.problem import NotPossible
from toolgate.control.builder.spans import read
from toolgate.control.builder.splices import become
from toolgate.policy.categories import Category
from toolgate.policy.presets.preset import BadOption, Known
from toolgate.policy.presets.shipped import add, listing, preset_of

_SAID: Final = ("version", "default", "description", "list", "hidden_text")
"""What a document may say and still list nothing and rule nothing."""


def add_preset(
    text: str, fields: Fields, tools: Iterable[Mapping[str, Any]], taken: Mapping[str, Category | None]
) -> tuple[str, tuple[str, ...]]:
    """The text with the chosen preset, and what a person should know of it.

    A document that denies everything and says nothing else begins with the tools of the preset; in any other nothing
    that is denied is allowed. `taken` holds what tools are judged to be. Raises NotPossible, whose place is the field.
    """
    name = fields.get("preset:name", "")
    prefix = f"preset:{name}"
    try:
        preset = preset_of(name)
        given = {option.name: fields.get(f"{prefix}:{option.name}", "") for option in preset.options}
        known, document = _known(tools, taken), read(text).plain()
        if _lists_nothing(document):
            document = {**document, "tools": listing(preset, known)}
        added = add(preset, document, known, given)
    except BadOption as error:
        place = f"{prefix}:{error.place}" if f"{prefix}:{error.place}" in fields else "preset:name"
        raise NotPossible(place, error.cause, error.mend) from error
    return become(text, "", added.document), added.notes


def _known(tools: Iterable[Mapping[str, Any]], taken: Mapping[str, Category | None]) -> list[Known]:
    given = list(tools)
    return known_as_judged(given, [taken.get(tool["name"]) for tool in given])


def _lists_nothing(document: Mapping[str, Any]) -> bool:
    return document["default"] == "deny" and not any(document[key] for key in document if key not in _SAID)
