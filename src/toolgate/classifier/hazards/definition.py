"""Everything in one definition that a person should look at, told from the definition alone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from toolgate.classifier.classify import Classification
from toolgate.classifier.hazards.hazard import Hazard, excerpt
from toolgate.classifier.hazards.hidden import hidden
from toolgate.classifier.hazards.instructions import instructions
from toolgate.classifier.hazards.letters import strange_letters
from toolgate.classifier.hazards.schemas import accepts_undeclared, schema_hazards
from toolgate.classifier.hazards.texts import Survey, Text, survey

HEAVY: Final = 2_000
"""Tokens of one definition from which on it is worth a word; half of the tools of the data take fewer than 150."""
_LETTERS_A_TOKEN: Final = 4
_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,128}")
_KINDS: Final = (("description", str, "text"), ("title", str, "text"), ("annotations", Mapping, "object"))
_SENTENCE: Final = 12
"""Characters of the shortest text that can tell anybody anything."""
_SAME_RULE: Final = 3
"""Places that one rule names in one definition: the fourth says nothing new."""


def hazards(tool: Mapping[str, object], judged: Classification) -> list[Hazard]:
    """The hazards of one tool object, `judged` being what the classifier says of it; bounded in time and number."""
    found = survey(tool)
    every = [*_shape(tool), *_of_texts(found), *_of_schemas(tool), *_claims(tool, judged), *_weight(found)]
    return list(_few_of_each(every))


def tokens(tool: Mapping[str, object]) -> int:
    """About how many tokens of a model's context a definition takes."""
    return _tokens(survey(tool))


def _tokens(found: Survey) -> int:
    return sum(len(each.text) + 4 for each in found.texts) // _LETTERS_A_TOKEN


def _few_of_each(found: list[Hazard]) -> Iterator[Hazard]:
    counts: dict[str, int] = {}
    for each in dict.fromkeys(found):
        counts[each.rule] = counts.get(each.rule, 0) + 1
        if counts[each.rule] <= _SAME_RULE:
            yield each


def _shape(tool: Mapping[str, object]) -> Iterator[Hazard]:
    name = tool.get("name")
    if not isinstance(name, str) or not name:
        yield Hazard("malformed-definition", "name", "has no name, so nothing can call it")
    elif not _NAME.fullmatch(name):
        detail = "is no name that the specification recommends: letters, digits, `_`, `-`, `.`, at most 128"
        yield Hazard("unusual-name", "name", detail, excerpt(name))
    for field, kind, word in _KINDS:
        if tool.get(field) is not None and not isinstance(tool[field], kind):
            yield Hazard("malformed-definition", field, f"is no {word}")


def _of_texts(found: Survey) -> Iterator[Hazard]:
    if found.cut:
        yield Hazard("unread-definition", "", f"was not read to its end: {found.cut}")
    for each in found.texts:
        yield from _of_text(each)


def _of_text(each: Text) -> Iterator[Hazard]:
    if each.named:
        yield from strange_letters(each.place, each.text)
    yield from hidden(each.place, each.text)
    if len(each.text) >= _SENTENCE:
        yield from instructions(each.place, each.text, named=each.named)


def _of_schemas(tool: Mapping[str, object]) -> Iterator[Hazard]:
    for field in ("inputSchema", "outputSchema"):
        if field in tool:
            yield from schema_hazards(field, tool[field])
    if accepts_undeclared(tool.get("inputSchema")):
        yield Hazard("undeclared-arguments", "inputSchema", "accepts arguments that it does not declare")


def _claims(tool: Mapping[str, object], judged: Classification) -> Iterator[Hazard]:
    """Annotations that the definition contradicts; a smaller doubt where the definition is quite clear."""
    claims = tool.get("annotations")
    if not isinstance(claims, Mapping) or judged.confidence == "low":
        return
    reads, spares = claims.get("readOnlyHint") is True, claims.get("destructiveHint") is False
    said = f"the definition says {judged.category}: {judged.evidence[0]}"
    if reads and judged.category in ("Destructive", "Financial"):
        yield Hazard("contradicted-claim", "annotations.readOnlyHint", f"claims to be read-only, and {said}")
    elif judged.confidence == "high" and reads and judged.category == "Write":
        yield Hazard("doubtful-claim", "annotations.readOnlyHint", f"claims to be read-only, and {said}")
    elif judged.confidence == "high" and spares and judged.category == "Destructive":
        yield Hazard("doubtful-claim", "annotations.destructiveHint", f"claims to destroy nothing, and {said}")


def _weight(found: Survey) -> Iterator[Hazard]:
    weight = _tokens(found)
    if weight > HEAVY:
        yield Hazard("heavy-definition", "", f"takes about {weight:,} tokens of a model's context")
