"""The collected definitions of public servers: third-party text, no part of the repository."""

from __future__ import annotations

import gzip
import json
import os
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

BESIDE = Path(__file__).parents[3] / "shared/data/mcp_tools.jsonl.gz"


def collected() -> dict[str, list[dict[str, Any]]]:
    """The tool objects of each server; skips the test where `TOOLGATE_DEFINITIONS` names no file."""
    file = Path(os.environ.get("TOOLGATE_DEFINITIONS") or BESIDE)
    if not file.exists():
        pytest.skip("TOOLGATE_DEFINITIONS does not name the collected definitions")
    servers: dict[str, list[dict[str, Any]]] = defaultdict(list)
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        for line in lines:
            tool = json.loads(line)
            servers[tool["server"]].append({**tool, "name": tool["title"]})
    return servers
