"""The command of a server that the gateway starts itself. No shell reads it: one word is one argument."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from toolgate.store.errors import BadInput
from toolgate.store.names import shown

MAX_WORDS = 256
MAX_LENGTH = 32 * 1024


def parse_command(place: str, text: str, directory: Path) -> tuple[str, ...]:
    """The words of a command as a shell would part them, with nothing expanded. Raises BadInput."""
    try:
        words = shlex.split(text)
    except ValueError as error:
        cause = f"`{shown(text)}` cannot be parted into words: {str(error).lower()}"
        raise BadInput(
            place, cause, "close every quotation mark, and write a backslash before one that is meant"
        ) from None
    return check_command(place, words, directory)


def check_command(place: str, words: Sequence[str], directory: Path) -> tuple[str, ...]:
    """The words as they are stored; a program that is named by a relative path is looked for from `directory`.

    Whether the program is there is seen when it is started. Raises BadInput.
    """
    if not words or not words[0].strip():
        raise BadInput(place, "the command is empty", 'write the program and its arguments: "npx -y some-server"')
    if len(words) > MAX_WORDS or sum(map(len, words)) > MAX_LENGTH:
        raise BadInput(place, "the command is too long", f"at most {MAX_WORDS} words, {MAX_LENGTH} characters")
    for word in words:
        if "\0" in word or any(0xD800 <= ord(char) < 0xE000 for char in word):
            raise BadInput(place, f"`{shown(word)}` holds what no argument can hold", "leave out NUL and surrogates")
    # A bare name is looked for in PATH when the command starts; the gateway's own directory means nothing to anybody.
    program = str(resolve(place, words[0], directory)) if "/" in words[0] else words[0]
    return (program, *words[1:])


def resolve(place: str, text: str, directory: Path) -> Path:
    """The whole path of what somebody named in `directory`; `~` is a home. Raises BadInput for what no path can be."""
    try:
        path = (directory / Path(text).expanduser()).absolute()
    except RuntimeError:  # how a home that nobody has is reported
        raise BadInput(place, f"`{shown(text)}` begins at a home that does not exist", "write the whole path") from None
    if "\0" in text:
        raise BadInput(place, f"`{shown(text)}` is not a path", "leave out NUL")
    return path
