"""What a shell would run, told from the text alone: nothing is ever started.

It splits as a POSIX shell does, follows substitutions, and looks into programs that start others (`find -exec`, `env`,
`git -c core.pager=`, `sh -c`, `tar --checkpoint-action=`).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator, Sequence
from typing import Final

_ENDS: Final = ";&|\n"
_ASSIGNMENT: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=.*", re.DOTALL)
_GIT_RUNS: Final = re.compile(r"(core\.(pager|editor|sshcommand)|alias\.[^=]+|diff\.external)=!?(.*)", re.IGNORECASE)
_TAR_RUNS: Final = re.compile(r"--(?:checkpoint-action=exec|to-command)=(.*)")


def commands(text: str) -> Iterator[list[str]]:
    """Every command that a shell would run for the text, as words: those of substitutions before what uses them."""
    for part in _parts(text):
        for inner in _substituted(part):
            yield from commands(inner)
        words = _words(part)
        if words:
            yield from started(words)


def started(words: Sequence[str]) -> Iterator[list[str]]:
    """A command and those that it starts in turn."""
    words = list(words)
    yield words
    starts = _STARTERS.get(words[0].rpartition("/")[2])
    if starts is not None:
        yield from starts(words[1:])


def _parts(text: str) -> Iterator[str]:
    """The text between separators that stand outside quotes and substitutions."""
    part, quote, depth, at = "", "", 0, 0
    while at < len(text):
        letter = text[at]
        pair = letter == "\\" and quote != "'"
        part += text[at : at + 2] if pair else letter
        if not pair:
            quote, depth = _state(letter, text[at - 1 : at], quote, depth)
            if letter in _ENDS and not quote and not depth:
                yield part[:-1]
                part = ""
        at += 2 if pair else 1
    yield part


def _state(letter: str, before: str, quote: str, depth: int) -> tuple[str, int]:
    """The open quote and the open `$(`, after a letter."""
    if quote != "'" and letter == "(" and (depth or before == "$"):
        return quote, depth + 1
    if depth:
        return quote, depth - (letter == ")" and quote != "'")
    if letter in "'\"`":
        return ("" if letter == quote else quote or letter), depth
    return quote, depth


def _substituted(part: str) -> Iterator[str]:
    """The texts inside `$( )` and backticks, but not those in single quotes."""
    open_text = re.sub(r"'[^']*'", "", part)
    yield from re.findall(r"`([^`]*)`", open_text)
    at = open_text.find("$(")
    while at >= 0:
        end = _closing(open_text, at + 2)
        yield open_text[at + 2 : end]
        at = open_text.find("$(", end)


def _closing(text: str, at: int) -> int:
    depth = 1
    while at < len(text):
        depth += (text[at] == "(") - (text[at] == ")")
        if not depth:
            return at
        at += 1
    return at


def _words(part: str) -> list[str]:
    try:
        return shlex.split(part)
    except ValueError:
        return part.split()


def _env(words: list[str]) -> Iterator[list[str]]:
    rest = [word for word in words if not _ASSIGNMENT.fullmatch(word) and word != "-i"]
    if rest:
        yield from started(rest)


def _find(words: list[str]) -> Iterator[list[str]]:
    for at, word in enumerate(words):
        if word in {"-exec", "-execdir", "-ok"}:
            inner = [each for each in words[at + 1 :] if each not in {";", "+", "{}"}]
            yield from started(inner) if inner else ()


def _git(words: list[str]) -> Iterator[list[str]]:
    for at, word in enumerate(words[:-1]):
        found = _GIT_RUNS.fullmatch(words[at + 1]) if word == "-c" else None
        if found is not None:
            yield from commands(found[3])


def _shell(words: list[str]) -> Iterator[list[str]]:
    if len(words) > 1 and words[0] == "-c":
        yield from commands(words[1])


def _tar(words: list[str]) -> Iterator[list[str]]:
    for word in words:
        found = _TAR_RUNS.fullmatch(word)
        if found is not None:
            yield from commands(found[1])


_STARTERS: Final[dict[str, Callable[[list[str]], Iterator[list[str]]]]] = {
    "env": _env,
    "find": _find,
    "git": _git,
    "sh": _shell,
    "bash": _shell,
    "tar": _tar,
    "xargs": _env,
}
