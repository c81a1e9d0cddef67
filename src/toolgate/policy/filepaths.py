"""Paths of files by their text alone: what lies under a directory for every reader, or cannot be told."""

from __future__ import annotations

import re
from unicodedata import normalize

_UNSAFE = re.compile(r"[\x00-\x1f\x7f\\%:]")
"""Control characters, Windows separators, escapes, drives and alternate streams."""
_UNSAFE_SEGMENT = re.compile(r"\.\.+|.*[. ]|~.*|.*~[0-9].*", re.DOTALL)
"""Parents, names that Windows trims, home directories, short (8.3) names."""


def segments(text: str) -> tuple[bool, tuple[str, ...]] | None:
    """Whether the path is absolute, and its names without `.` and empty ones; None where readers could disagree.

    Source: CVE-2025-53110 (prefix without boundary), CWE-22 and its encodings.
    """
    if not text or _UNSAFE.search(text) or not _is_stable(text):
        return None
    names = tuple(name for name in text.split("/") if name not in ("", "."))
    if any(_UNSAFE_SEGMENT.fullmatch(name) for name in names):
        return None
    return text.startswith("/"), names


def _is_stable(text: str) -> bool:
    """Whether no reader that normalises Unicode sees other separators or dots."""
    if text.isascii():
        return True
    folded = normalize("NFKC", text)
    return folded.count("/") == text.count("/") and folded.count(".") == text.count(".") and not _UNSAFE.search(folded)


def lies_under(text: str, roots: list[tuple[bool, tuple[str, ...]]]) -> bool | None:
    """Whether the path is one of the roots or below one; None where that cannot be told from the text."""
    found = segments(text)
    if found is None or all(found[0] != absolute for absolute, _ in roots):
        return None
    absolute, names = found
    return any(absolute == kind and names[: len(root)] == root for kind, root in roots)
