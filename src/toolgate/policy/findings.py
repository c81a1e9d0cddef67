"""What a lint says of a valid document."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["warning", "note"]


@dataclass(slots=True, frozen=True)
class Finding:
    """`pointer` is RFC 6901 into the document, `code` a word that stays the same, `cause` and `mend` are for people."""

    severity: Severity
    pointer: str
    code: str
    cause: str
    mend: str
