"""The grammar as a JSON Schema (2020-12) for editors; `parse` checks more, and its word counts."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def schema_text() -> str:
    """The published schema as it is shipped."""
    return files("toolgate.policy").joinpath("schema.json").read_text(encoding="utf-8")


def schema() -> dict[str, Any]:
    """The published schema; the caller may change what it gets."""
    loaded: dict[str, Any] = json.loads(schema_text())
    return loaded
