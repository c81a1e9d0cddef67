"""Everything in one definition that a person should look at, told from the definition alone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from toolgate.classifier.classify import Classification
from toolgate.classifier.hazards.hazard import Hazard, excerpt
from toolgate.classifier.hazards.schemas import accepts_undeclared, schema_hazards
from toolgate.classifier.hazards.texts import survey
from toolgate.classifier.hazards.wording import few_of_each, heavy, of_texts, weight

_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,128}")
_KINDS: Final = (("description", str, "text"), ("title", str, "text"), ("annotations", Mapping, "object"))


def hazards(tool: Mapping[str, object], judged: Classification) -> list[Hazard]:
    """The hazards of one tool object, `judged` being what the classifier says of it; bounded in time and number."""
    found = survey(tool)
    every = [*_shape(tool), *of_texts(found), *_of_schemas(tool), *_claims(tool, judged), *heavy(found)]
    return list(few_of_each(every))


def tokens(tool: Mapping[str, object]) -> int:
    """About how many tokens of a model's context a definition takes."""
    return weight(survey(tool))


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
