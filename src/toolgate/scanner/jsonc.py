"""JSON as editors let people write it in settings: with comments, and commas behind the last entry."""

from __future__ import annotations

import json
import re
from typing import Final

_TOKEN: Final = re.compile(r'"(?:[^"\\\n]|\\.)*"|//[^\n]*|/\*.*?\*/|,(?=(?:\s|//[^\n]*|/\*.*?\*/)*[\]}])', re.DOTALL)


def decode(text: str) -> object:
    """The value; raises ValueError, RecursionError. Of a key that is given twice the last value counts, as there."""
    return json.loads(_TOKEN.sub(_kept, text.removeprefix("\ufeff")))


def _kept(found: re.Match[str]) -> str:
    return found[0] if found[0].startswith('"') else " "
