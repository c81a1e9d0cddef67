"""The part of an address that stands for a name: the same on every file system and web server.

It is a function of the name alone, so nobody has to be asked which address a name has, and no import changes one. A
name of lower-case ASCII letters and digits with `-` and `_` between them is its own slug; `/` is written `--`. Every
other name is folded to what can be read of it, and ends with `~` and a digest, which tells it from all others that fold
to the same. `~` occurs nowhere else. There is no dot: a slug may be given an extension, and is never mistaken for one.
"""

from __future__ import annotations

import re
import unicodedata
from base64 import b32encode
from hashlib import sha256
from typing import Final

LONGEST: Final = 240
"""Bytes of a slug; file systems allow 255, the others are for an extension."""
_DIGEST: Final = 12
"""Letters of 5 bits. To find a second name for a given slug takes 2^60 attempts."""
_OWN: Final = re.compile(r"[a-z0-9]+(?:(?:--|-|_+)[a-z0-9]+)*")
_RESERVED: Final = frozenset(
    ("index", "con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(10)))
)
"""What web servers answer a directory with, and devices of Windows."""
_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_UNREADABLE: Final = re.compile(r"[^a-z0-9_/]+")
_SLASHES: Final = re.compile(r"-*/[-/]*")


def slug(name: str) -> str:
    """The slug of a name in any script, of any length: 1 to 240 characters of `a-z`, `0-9`, `-`, `_` and `~`."""
    plain = name.replace("/", "--")
    if "--" not in name and len(plain) <= LONGEST and plain not in _RESERVED and _OWN.fullmatch(plain):
        return plain
    return f"{_readable(name)[: LONGEST - _DIGEST - 1].rstrip('-_')}~{_digest(name)}"


def _readable(name: str) -> str:
    """What of a name can be written in ASCII, in lower case, words apart; "" for nothing."""
    latin = unicodedata.normalize("NFKD", name[:LONGEST]).encode("ascii", "ignore").decode("ascii")
    words = _UNREADABLE.sub("-", _HUMP.sub("-", latin).lower())
    return _SLASHES.sub("--", words).strip("-_")


def _digest(name: str) -> str:
    return b32encode(sha256(name.encode("utf-8", "surrogatepass")).digest()).decode("ascii")[:_DIGEST].lower()
