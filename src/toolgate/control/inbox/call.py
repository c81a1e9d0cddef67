"""A held call as a person reads it: every value whole, nothing hidden in it, and what is new against an earlier one."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import msgspec

from toolgate.store.legible import legible_lines

Kind = Literal["text", "number", "object", "list", "boolean", "null"]
Change = Literal["", "same", "changed", "new"]
"""Against the last approved call; "" where there is none to compare with."""

_KINDS: Final[dict[int, Kind]] = {
    ord('"'): "text",
    ord("{"): "object",
    ord("["): "list",
    ord("t"): "boolean",
    ord("f"): "boolean",
    ord("n"): "null",
}
_SHORT: Final = 120
_LONG: Final = 600
_LONG_LINES: Final = 14
_COMPARED: Final = 2000
"""Lines beyond which two values are shown whole, without their difference."""
_ESCAPED: Final = re.compile(r"\\(.)")


class Call(msgspec.Struct, frozen=True):
    """What is sealed: the method, and its parameters as text, because a number must stay as it was written."""

    method: str
    params: dict[str, msgspec.Raw]

    @property
    def arguments(self) -> dict[str, msgspec.Raw]:
        """The arguments of a tool; all parameters of another method."""
        if self.method != "tools/call":
            return {name: value for name, value in self.params.items() if name != "_meta"}
        return msgspec.json.decode(self.params.get("arguments", msgspec.Raw(b"{}")), type=dict[str, msgspec.Raw])

    @property
    def others(self) -> dict[str, msgspec.Raw]:
        """What else reaches the server."""
        shown = {"name", "arguments"} if self.method == "tools/call" else self.params.keys() - {"_meta"}
        return {name: value for name, value in self.params.items() if name not in shown}


@dataclass(slots=True, frozen=True)
class Value:
    """One argument. `text` is its JSON, safe to look at and broken into lines.

    Of a changed one: `before`, the earlier value where both are short, else `diff`, lines with their signs.
    """

    name: str
    kind: Kind
    text: str
    long: bool
    change: Change
    before: str = ""
    diff: tuple[tuple[str, str], ...] = ()


def read(opened: bytes) -> Call:
    """The call that was sealed."""
    return msgspec.json.decode(opened, type=Call)


def values(now: Mapping[str, msgspec.Raw], earlier: Mapping[str, msgspec.Raw] | None) -> list[Value]:
    """Each argument, beside that of the last approved call where there is one."""
    return [_value(name, bytes(raw), earlier) for name, raw in now.items()]


def left_out(now: Mapping[str, msgspec.Raw], earlier: Mapping[str, msgspec.Raw] | None) -> list[Value]:
    """The arguments that only the earlier call had."""
    gone = {name: bytes(raw) for name, raw in (earlier or {}).items() if name not in now}
    return [_value(name, raw, None) for name, raw in gone.items()]


def _value(name: str, raw: bytes, earlier: Mapping[str, msgspec.Raw] | None) -> Value:
    text = readable(raw)
    kind = _KINDS.get(raw.lstrip()[0], "number")
    long = len(text) > _LONG or text.count("\n") >= _LONG_LINES
    if earlier is None:
        return Value(legible_lines(name), kind, text, long, "")
    if name not in earlier:
        return Value(legible_lines(name), kind, text, long, "new")
    before = bytes(earlier[name])
    if _same(raw, before):
        return Value(legible_lines(name), kind, text, long, "same")
    was = readable(before)
    if max(len(was), len(text)) <= _SHORT and "\n" not in was + text:
        return Value(legible_lines(name), kind, text, long, "changed", before=was)
    return Value(legible_lines(name), kind, text, long, "changed", diff=difference(was, text))


def readable(raw: bytes) -> str:
    """JSON over several lines; what hides or reorders text as `\\uXXXX`, and a new line after each `\\n` of a text.

    Besides those line breaks it stays JSON: a backslash that was sent stands doubled, so no text passes for an escape.
    """
    text = legible_lines(msgspec.json.format(raw, indent=2).decode())
    return _ESCAPED.sub(lambda found: found[0] + ("\n" if found[1] == "n" else ""), text)


def _same(one: bytes, other: bytes) -> bool:
    """Equal as approvals compare: the order of keys does not count, `1` and `1.0` are different."""
    return one == other or _compared(one) == _compared(other)


def _compared(raw: bytes) -> object:
    def written(number: str) -> tuple[str]:
        return (number,)

    value: object = json.loads(raw, parse_int=written, parse_float=written, parse_constant=written)
    return value


def difference(before: str, after: str) -> tuple[tuple[str, str], ...]:
    """What changed from line to line, with a little around it: pairs of sign and text."""
    old, new = before.split("\n"), after.split("\n")
    if max(len(old), len(new)) > _COMPARED:
        return (("…", "both are too long to compare here: the last approved value is on the page of that call"),)
    lines = list(difflib.unified_diff(old, new, lineterm="", n=2))[2:]
    return tuple(("…", "") if line.startswith("@@") else (line[0], line[1:]) for line in lines)
