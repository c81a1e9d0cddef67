"""The tools of a server as its page shows them: the riskiest first, found by words, some at a time."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any, Final

from sqlalchemy.engine import Engine

from toolgate.classifier.classify import Classification
from toolgate.policy.categories import risk_of
from toolgate.store import judging, outlines
from toolgate.store.moments import when
from toolgate.store.outlines import Outline
from toolgate.store.servers import Server

PAGE: Final = 25
"""Tools on one page."""

RISKS: Final = ("Critical", "High", "Medium", "Low")

_REMEMBERED: Final = 64
_Said = dict[str, Classification]
_said: Final[dict[tuple[str, ...], _Said]] = {}
"""By the name of a server and the fingerprints of its tools, which cover all that a classification is made from."""


def tools_of(engine: Engine, server: Server, sought: str = "", start: int = 0) -> dict[str, Any]:
    """One page of the tools whose names hold `sought`, how many there are, and how many of each risk.

    Category and risk are those that count; what the present lexicon says stands beside them.
    """
    versions = outlines.outlines(engine, server.id)
    present = {one.name: one for one in sorted(versions, key=_in_force_last)}
    waiting = {one.name for one in versions if one.status == "withheld"}
    matching = [one for one in present.values() if sought.lower() in one.name.lower()]
    matching.sort(key=lambda one: (_rank(one), one.name))
    page = matching[start : start + PAGE]
    said = _classified(engine, server, list(present.values()))
    texts = outlines.texts(engine, server.id, [one.fingerprint for one in page])
    counts = Counter(risk_of(one.judgement.category) for one in present.values())
    return {
        "tools": [
            {**_tool(one, texts[one.fingerprint], said[one.name]), "waiting": one.name in waiting} for one in page
        ],
        "all": len(present),
        "matching": len(matching),
        "start": start,
        "previous": max(start - PAGE, 0) if start else None,
        "next": start + PAGE if start + PAGE < len(matching) else None,
        "risks": {risk: counts[risk] for risk in RISKS if counts[risk]},
    }


def _rank(one: Outline) -> int:
    """The riskiest first; before all, what nobody has judged."""
    risk = risk_of(one.judgement.category)
    return -1 if risk is None else RISKS.index(risk)


def _in_force_last(one: Outline) -> bool:
    """Of two versions of one tool the one in force is shown; the other stands among the changes."""
    return one.status == "current"


def _classified(engine: Engine, server: Server, present: list[Outline]) -> _Said:
    """What the present lexicon says of each tool by its name, each beside the others."""
    key = (server.name, *(one.fingerprint for one in present))
    known = _said.get(key)
    if known is None:
        if len(_said) >= _REMEMBERED:
            _said.clear()
        texts = outlines.texts(engine, server.id, [one.fingerprint for one in present])
        known = _said[key] = judging.classified({one.name: texts[one.fingerprint] for one in present}, server.name)
    return known


def _tool(one: Outline, text: str, said: Classification) -> dict[str, Any]:
    definition, judgement = json.loads(text), one.judgement
    return {
        "name": one.name,
        "status": one.status,
        "fingerprint": one.fingerprint,
        "first_seen": when(one.first_seen),
        "last_seen": when(one.last_seen),
        "definition": definition,
        "description": described(definition),
        "parameters": parameters_of(definition),
        "category": judgement.category,
        "risk": risk_of(judgement.category),
        "judged_by": judgement.by or None,
        "lexicon": said.facts(),
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
