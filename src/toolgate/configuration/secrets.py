"""Secrets of a configuration: named in it, read when it is read, never written in it.

`env:NAME` is the environment of the process that applies the file, `file:path` a file beside it; `value:text` says of a
text that it is none. In a header one word may stand in front: `Bearer env:CRM_TOKEN`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from toolgate.configuration.files import read_text
from toolgate.store.errors import BadInput
from toolgate.store.names import shown

MAX_SECRET = 128 * 1024


def header_value(place: str, text: str, environment: Mapping[str, str], opened: Callable[[str], Path]) -> str:
    """The value of a header. Raises BadInput, which never repeats a secret."""
    word, space, rest = text.partition(" ")
    if space and ":" not in word:
        return f"{word} {secret(place, rest, environment, opened).strip()}"
    return secret(place, text, environment, opened).strip()


def secret(place: str, text: str, environment: Mapping[str, str], opened: Callable[[str], Path]) -> str:
    """The text that `env:`, `file:` or `value:` stands for; `opened` makes a path of what stands after `file:`."""
    kind, _, name = text.partition(":")
    if kind == "env":
        return _from_environment(place, name, environment)
    if kind == "file":
        value = read_text(place, opened(name), MAX_SECRET).removesuffix("\n").removesuffix("\r")
        if not value:
            raise BadInput(place, f"the secret `{shown(name)}` is empty", "write it into that file")
        return value
    return name


def _from_environment(place: str, name: str, environment: Mapping[str, str]) -> str:
    value = environment.get(name, "")
    if not value:
        cause = f"the secret `{shown(name)}` is missing: no such variable is set where the file is applied"
        raise BadInput(place, cause, f"set {shown(name)}, or name a file with `file:path`")
    return value
