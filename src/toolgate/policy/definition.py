"""A tool as its server defines it: what it is, whether it changed, and whether arguments fit it."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Literal

from toolgate.policy.categories import Category, risk_of

Mode = Literal["auto", "closed", "declared"]
Fitting = Callable[[dict[str, object]], str]
"""Says why arguments do not fit a schema; "" when they do."""
_PRINTED = ("name", "title", "description", "inputSchema", "outputSchema", "annotations")
UNKNOWN = "the definition of the tool is not known, so its arguments cannot be checked"


class Tool:
    """What conditions may ask of a tool. `category` and `risk` are "" while no accepted classification exists."""

    __slots__ = ("category", "name", "risk")

    def __init__(self, name: str, category: Category | None = None) -> None:
        self.name = name
        self.take_for(category)

    def take_for(self, category: Category | None) -> None:
        """From now on calls are judged as those of a tool of this category."""
        self.category: str = category or ""
        self.risk: str = risk_of(category) or ""


class Definition(Tool):
    """One tool object of `tools/list`. Validators are compiled on first use and kept."""

    __slots__ = ("_fittings", "annotations", "fingerprint", "input_schema")

    def __init__(self, tool: Mapping[str, object], category: Category | None = None) -> None:
        super().__init__(str(tool.get("name", "")), category)
        self.input_schema = tool.get("inputSchema")
        self.annotations = tool.get("annotations")
        self.fingerprint = fingerprint(tool)
        self._fittings: dict[Mode, Fitting] = {}

    def refusal(self, arguments: dict[str, object], mode: Mode) -> str:
        """Why the arguments do not fit, naming the argument and never its value; "" when they do.

        A schema that does not compile (or refers elsewhere) refuses every call.
        """
        fitting = self._fittings.get(mode)
        if fitting is None:
            # The library costs 4 MB: only a policy that checks arguments pays for it, when it first does.
            schemas = importlib.import_module("toolgate.policy.schemas")
            fitting = self._fittings[mode] = schemas.fitting(self.input_schema, mode)
        return fitting(arguments)


def fingerprint(tool: Mapping[str, object]) -> str:
    """Hex SHA-256 over a canonical form of what a person judges a tool by; other fields may change freely."""
    printed = {key: tool[key] for key in _PRINTED if key in tool}
    text = json.dumps(printed, sort_keys=True, separators=(",", ":"), ensure_ascii=True, default=_numeral)
    return sha256(text.encode()).hexdigest()


def _numeral(number: object) -> dict[str, str]:
    """A number whose text is kept, told apart from a string of the same text."""
    return {"\0": str(number)}
