"""The baseline: findings that were there when somebody began to look, by fingerprint. A file for a repository."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec

from toolgate.errors import ToolgateError
from toolgate.scanner.findings import Finding, worst_first

_MOST: Final = 64 * 1024 * 1024


class _Known(msgspec.Struct, forbid_unknown_fields=True):
    fingerprint: str
    rule: str
    server: str
    tool: str = ""
    item: str = ""


class _File(msgspec.Struct, forbid_unknown_fields=True):
    version: int
    findings: list[_Known]


def read_baseline(path: Path) -> frozenset[str]:
    """The fingerprints of a baseline. Raises ToolgateError."""
    mend = "write it anew with --write-baseline"
    try:
        with path.open("rb") as file:
            content = msgspec.json.decode(file.read(_MOST), type=_File)
    except OSError as error:
        raise ToolgateError(str(path), f"cannot be read: {error.strerror}", "check the path") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ToolgateError(str(path), f"is no baseline: {error}", mend) from None
    if content.version != 1:
        raise ToolgateError(str(path), f"is of version {content.version}, and only 1 is known", mend)
    return frozenset(known.fingerprint for known in content.findings)


def baseline_text(findings: Iterable[Finding]) -> str:
    """A baseline with these findings, one a line, always in the same order."""
    lines = [json.dumps(_line(it)) for it in {it.fingerprint: it for it in worst_first(findings)}.values()]
    listed = ",\n".join(f"    {line}" for line in lines)
    return f'{{\n  "version": 1,\n  "findings": [{chr(10) + listed + chr(10) + "  " if lines else ""}]\n}}\n'


def _line(it: Finding) -> dict[str, str]:
    named = {"fingerprint": it.fingerprint, "rule": it.rule_id, "server": it.server, "tool": it.tool}
    return {**named, "item": it.item} if it.item else named
