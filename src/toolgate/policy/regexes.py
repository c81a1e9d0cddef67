"""Patterns of RE2: linear in the text, `$` only at the very end."""

from __future__ import annotations

import importlib
from collections.abc import Callable

_FLAGS = frozenset("imsU-")
_FOLDING_STRANGERS = ("\u017f", "\u212a")
"""Letters that match `s` and `k` without regard to case and are neither."""


class BadPattern(ValueError):
    """A pattern that is not accepted; the text is the cause."""


def compile_pattern(text: str, *, whole: bool = False) -> Callable[[str], bool | None]:
    """A search for the pattern (over the whole text with `whole`); None for a text that cannot be judged.

    Raises `BadPattern`: not RE2, or the flag `m`, with which `$` would match before a newline.
    """
    flags = flags_of(text)
    if "m" in flags:
        raise BadPattern("the flag `m` would let `^` and `$` match at every line")
    re2 = importlib.import_module("re2")  # 2.5 MB that a policy without patterns does not pay for
    options = re2.Options()
    options.log_errors = False
    try:
        compiled = re2.compile(text.encode(), options)
    except (re2.error, UnicodeEncodeError) as error:
        raise BadPattern(f"the pattern is not RE2: `{_reason(error)}`") from error
    return _searcher(compiled.fullmatch if whole else compiled.search, "i" in flags)


def _reason(error: Exception) -> str:
    said = error.args[0] if error.args else ""
    return said.decode(errors="replace") if isinstance(said, bytes) else str(error)


def _searcher(find: Callable[[bytes], object], folds: bool) -> Callable[[str], bool | None]:
    def search(text: str) -> bool | None:
        if folds and not text.isascii() and any(letter in text for letter in _FOLDING_STRANGERS):
            return None
        try:
            return find(text.encode()) is not None
        except UnicodeEncodeError:  # a lone surrogate: no text
            return None

    return search


def flags_of(text: str) -> set[str]:
    """The flags that groups such as `(?i)` or `(?ms:...)` switch on anywhere in the pattern."""
    found: set[str] = set()
    at = 0
    while at < len(text):
        if text.startswith("\\Q", at):
            end = text.find("\\E", at)
            at = len(text) if end < 0 else end + 2
        elif text[at] == "\\":
            at += 2
        elif text[at] == "[":
            at = _after_class(text, at)
        elif text.startswith("(?", at):
            found |= _group_flags(text, at + 2)
            at += 2
        else:
            at += 1
    return found


def _group_flags(text: str, at: int) -> set[str]:
    end = at
    while end < len(text) and text[end] in _FLAGS:
        end += 1
    if end < len(text) and text[end] in ":)":
        return set(text[at:end].partition("-")[0])
    return set()


def _after_class(text: str, at: int) -> int:
    at += 2 if text.startswith("[^", at) else 1
    at += text.startswith("]", at)  # a bracket in first place is a member
    while at < len(text) and text[at] != "]":
        if text.startswith("[:", at):
            end = text.find(":]", at)
            at = at + 1 if end < 0 else end + 2
        else:
            at += 2 if text[at] == "\\" else 1
    return at + 1
