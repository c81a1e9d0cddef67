"""Writes docs/openapi.json: `python -m tests.control.api.document`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from toolgate.control.api.building import document

PLACE: Final = Path(__file__).parents[3] / "docs" / "openapi.json"


def written() -> str:
    """The document as it is published."""
    return json.dumps(document(), indent=1, ensure_ascii=False, sort_keys=False) + "\n"


if __name__ == "__main__":
    PLACE.write_text(written())
