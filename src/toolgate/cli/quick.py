"""`toolgate run` without the machinery of the command line, which costs 80 ms and 9 MB for as long as a client runs.

Understands a command line that is right. Whatever is not goes to the full command, which says what is wrong with it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from toolgate.cli.places import data_directory
from toolgate.errors import ToolgateError
from toolgate.store.errors import BadInput
from toolgate.store.headers import given
from toolgate.wrapping import Wrapping, wrap

OPTIONS: Final = {
    "-c": "policy",
    "--policy": "policy",
    "--grant": "grant",
    "--policy-digest": "policy_digest",
    "--data": "data",
    "--approval-wait": "approval_wait",
    "--upstream": "upstream",
    "--header": "header",
}
"""Every option that takes a value, and the parameter of the command that it is."""
FLAG: Final = "--allow-private"
_DIGEST: Final = re.compile(r"[0-9a-fA-F]{64}")


def run(arguments: Sequence[str]) -> int:
    """Run one command line; returns its exit status."""
    wrapping = _read(arguments)
    if wrapping is None:
        return _full(arguments)
    try:
        return wrap(wrapping)
    except Exception as error:  # noqa: BLE001 - the root of commands decides what people read
        return _failed(error)


def wrapping_of(
    policy: Path,
    command: Sequence[str],
    *,
    grant: str = "",
    policy_digest: str = "",
    data: str | None = None,
    approval_wait: float = 45.0,
    upstream: str = "",
    header: Sequence[str] = (),
    allow_private: bool = False,
) -> Wrapping:
    """What the options say; raises BadInput, ToolgateError."""
    if bool(command) == bool(upstream):
        cause = "a command and --upstream are given at once" if command else "no server is named"
        raise BadInput("command line", cause, "end it with `-- COMMAND ARG...`, or give --upstream")
    if not upstream and (header or allow_private):
        raise BadInput("command line", "--header and --allow-private go with --upstream", "leave them out")
    if policy_digest and not _DIGEST.fullmatch(policy_digest):
        raise BadInput("--policy-digest", "is no SHA-256 in hex", "take it from `sha256sum policy.json`")
    if not 0 <= approval_wait <= 86_400:
        raise BadInput("--approval-wait", "is no time up to a day", "give seconds")
    return Wrapping(
        policy,
        data_directory(data),
        command=tuple(command),
        url=upstream,
        headers=tuple(given(header, os.environ)),
        allow_private=allow_private,
        grant=grant,
        policy_digest=policy_digest,
        approval_wait=approval_wait,
    )


def _read(arguments: Sequence[str]) -> Wrapping | None:
    """None where this is no command line of `run`, or not a plain and right one."""
    if arguments[:1] != ["run"]:
        return None
    words = list(arguments[1:])
    said: dict[str, list[str]] = {}
    while words and words[0].startswith("-") and words[0] != "--":
        name, equals, value = words.pop(0).partition("=")
        if name not in {*OPTIONS, FLAG} or (equals and name in {"-c", FLAG}):
            return None
        if name != FLAG and not equals:
            if not words:
                return None
            value = words.pop(0)
        said.setdefault(OPTIONS.get(name, FLAG), []).append(value)
    try:
        return _wrapping(said, words[1:] if words[:1] == ["--"] else words)
    except (ToolgateError, KeyError, ValueError):
        return None


def _wrapping(said: dict[str, list[str]], command: list[str]) -> Wrapping:
    """As the full command: of an option that is given twice the last one counts."""
    last = {name: values[-1] for name, values in said.items()}
    return wrapping_of(
        Path(last["policy"]),
        command,
        grant=last.get("grant", ""),
        policy_digest=last.get("policy_digest", ""),
        data=last.get("data", os.environ.get("TOOLGATE_DATA") or None),
        approval_wait=float(last.get("approval_wait", 45.0)),
        upstream=last.get("upstream", ""),
        header=said.get("header", ()),
        allow_private=FLAG in said,
    )


def _full(arguments: Sequence[str]) -> int:
    from toolgate.cli.root import run as run_root

    return run_root(arguments)


def _failed(error: Exception) -> int:
    from toolgate.cli.root import guarded

    def fail() -> int:
        raise error

    return guarded(fail)
