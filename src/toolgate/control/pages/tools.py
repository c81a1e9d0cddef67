"""The tools of a server as its page shows them: the riskiest first, found by words, some at a time."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any, Final

from sqlalchemy.engine import Engine

from toolgate.classifier.classify import Classification, classify
from toolgate.store import outlines
from toolgate.store.moments import when
from toolgate.store.outlines import Outline

PAGE: Final = 25
"""Tools on one page."""

RISKS: Final = ("Critical", "High", "Medium", "Low")

_REMEMBERED: Final = 20_000
_judgements: Final[dict[str, Classification]] = {}
"""By the fingerprint of a definition, which covers all that a classification is made from."""


def tools_of(engine: Engine, server_id: str, sought: str = "", start: int = 0) -> dict[str, Any]:
    """One page of the tools whose names hold `sought`, how many there are, and how many of each risk."""
    versions = outlines.outlines(engine, server_id)
    present = {one.name: one for one in sorted(versions, key=_in_force_last)}
    waiting = {one.name for one in versions if one.status == "withheld"}
    judged = _judged(engine, server_id, list(present.values()))
    matching = [one for one in present.values() if sought.lower() in one.name.lower()]
    matching.sort(key=lambda one: (RISKS.index(judged[one.fingerprint].risk), one.name))
    page = matching[start : start + PAGE]
    texts = outlines.texts(engine, server_id, [one.fingerprint for one in page])
    counts = Counter(judged[one.fingerprint].risk for one in present.values())
    return {
        "tools": [
            {**_tool(one, texts[one.fingerprint], judged[one.fingerprint]), "waiting": one.name in waiting}
            for one in page
        ],
        "all": len(present),
        "matching": len(matching),
        "start": start,
        "previous": max(start - PAGE, 0) if start else None,
        "next": start + PAGE if start + PAGE < len(matching) else None,
        "risks": {risk: counts[risk] for risk in RISKS if counts[risk]},
    }


def _in_force_last(one: Outline) -> bool:
    """Of two versions of one tool the one in force is shown; the other stands among the changes."""
    return one.status == "current"


def _judged(engine: Engine, server_id: str, present: list[Outline]) -> dict[str, Classification]:
    """The classification of each version by its fingerprint."""
    judged = {one.fingerprint: found for one in present if (found := _judgements.get(one.fingerprint)) is not None}
    missing = [one.fingerprint for one in present if one.fingerprint not in judged]
    if len(_judgements) + len(missing) > _REMEMBERED:
        _judgements.clear()
    for fingerprint, text in outlines.texts(engine, server_id, missing).items():
        judged[fingerprint] = _judgements[fingerprint] = classify(json.loads(text))
    return judged


def _tool(one: Outline, text: str, judged: Classification) -> dict[str, Any]:
    definition = json.loads(text)
    return {
        "name": one.name,
        "status": one.status,
        "fingerprint": one.fingerprint,
        "first_seen": when(one.first_seen),
        "last_seen": when(one.last_seen),
        "definition": definition,
        "description": described(definition),
        "parameters": parameters_of(definition),
        **judged.facts(),
    }


def described(definition: dict[str, Any]) -> str:
    """What a definition says that the tool does; "" where it says nothing, or no text."""
    text = definition.get("description")
    return text if isinstance(text, str) else ""


def parameters_of(definition: dict[str, Any]) -> list[str]:
    """The names of the parameters at the top of a definition's input schema."""
    schema = definition.get("inputSchema")
    properties = schema.get("properties") if isinstance(schema, dict) else None
    return list(properties) if isinstance(properties, dict) else []
