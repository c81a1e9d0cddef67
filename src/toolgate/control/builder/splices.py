"""Edits of a JSON text that touch only what they change; new parts look like their neighbours."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from jiter import LosslessFloat

from toolgate.control.builder.spans import Node, find, has, read, tokens
from toolgate.policy.entries import escape

_WIDTH = 100
"""Columns up to which a value stands on one line."""


@dataclass(slots=True, frozen=True)
class Look:
    """How a text is written: what ends a line ("" where all is on one), one level of indent, its colons."""

    newline: str
    unit: str
    colon: str


def become(text: str, pointer: str, value: Any) -> str:
    """The text with `value` at the pointer, which must lead somewhere; what is equal already stays as written."""
    return _become(text, read(text), find(read(text), pointer), value)


def put(text: str, pointer: str, value: Any) -> str:
    """`become`, making the member (and the objects above it) where there is none. The last token may be `-`: append."""
    root = read(text)
    if has(root, pointer):
        return become(text, pointer, value)
    above, _, token = pointer.rpartition("/")
    key = tokens("/" + token)[0]
    if not has(root, above):
        made: Any = [value] if key == "-" else {key: value}
        return put(text, above, made)
    parent = find(root, above)
    if parent.kind == "array":
        return _append(text, root, parent, value)
    return _insert(text, root, parent, key, value)


def remove(text: str, pointer: str) -> str:
    """The text without the member or item; its comma and line go with it."""
    above = pointer.rpartition("/")[0]
    root = read(text)
    parent, node = find(root, above), find(root, pointer)
    if parent.kind == "array":
        spans = [(item.start, item.end) for item in parent.items]
        place = parent.items.index(node)
    else:
        spans = [(member.start, member.end) for member in parent.members]
        place = next(at for at, member in enumerate(parent.members) if member.node is node)
    if len(spans) == 1:
        return text[: parent.start + 1] + text[parent.end - 1 :]
    if place == 0:
        return text[: spans[0][0]] + text[spans[1][0] :]
    return text[: spans[place - 1][1]] + text[spans[place][1] :]


def laid_out(value: Any) -> str:
    """A whole value as a text for people."""
    return render(value, Look("\n", "  ", ": "), "") + "\n"


def same(one: Any, other: Any) -> bool:
    """Whether two values are written alike but for white space, key order and escapes: `1` is not `1.0` here."""
    if type(one) is not type(other):
        return False
    if type(one) is dict:
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if type(one) is list:
        return len(one) == len(other) and all(map(same, one, other))
    return str(one) == str(other) if type(one) is LosslessFloat else bool(one == other)


def _become(text: str, root: Node, node: Node, value: Any) -> str:
    old = node.plain()
    if same(old, value):
        return text
    if type(old) is dict and type(value) is dict:
        return _become_object(text, _pointer(root, node), old, value)
    if type(old) is list and type(value) is list and len(old) <= len(value):
        pointer = _pointer(root, node)
        for place, item in enumerate(value):
            text = put(text, f"{pointer}/{place if place < len(old) else '-'}", item)
        return text
    return text[: node.start] + render(value, _look(text, root), _indent(text, node.start)) + text[node.end :]


def _become_object(text: str, pointer: str, old: dict[str, Any], value: dict[str, Any]) -> str:
    for key in [key for key in old if key not in value]:
        text = remove(text, f"{pointer}/{escape(key)}")
    for key, item in value.items():
        text = put(text, f"{pointer}/{escape(key)}", item)
    return text


def _pointer(root: Node, wanted: Node) -> str:
    """Where a node of the same reading stands."""
    below = [(escape(member.key), member.node) for member in root.members]
    below += [(str(place), item) for place, item in enumerate(root.items)]
    for token, node in below:
        if node is wanted:
            return f"/{token}"
        if node.start <= wanted.start and wanted.end <= node.end:
            return f"/{token}{_pointer(node, wanted)}"
    return ""


def _insert(text: str, root: Node, parent: Node, key: str, value: Any) -> str:
    look = _look(text, root)
    if not parent.members:
        return _fill(text, parent, look, f"{_quoted(key)}{look.colon}", value)
    last = parent.members[-1]
    lead, indent = _lead(text, parent.start, [(member.start, member.end) for member in parent.members])
    between = text[last.key_end : last.node.start]
    colon = between if between.strip() == ":" and "\n" not in between else look.colon
    made = f",{lead}{_quoted(key)}{colon}{render(value, look, indent)}"
    return text[: last.end] + made + text[last.end :]


def _append(text: str, root: Node, parent: Node, value: Any) -> str:
    look = _look(text, root)
    if not parent.items:
        return _fill(text, parent, look, "", value)
    lead, indent = _lead(text, parent.start, [(item.start, item.end) for item in parent.items])
    end = parent.items[-1].end
    return f"{text[:end]},{lead}{render(value, look, indent)}{text[end:]}"


def _fill(text: str, parent: Node, look: Look, opening: str, value: Any) -> str:
    """The first thing in an empty object or array; small things in an array stay on its line."""
    outer = _indent(text, parent.start)
    flat = render(value, Look("", "", look.colon), "")
    fits = parent.kind == "array" and len(outer) + len(flat) < _WIDTH and not isinstance(value, dict | list)
    if not look.newline or fits:
        made = opening + flat
    else:
        inner = outer + look.unit
        made = f"{look.newline}{inner}{opening}{render(value, look, inner)}{look.newline}{outer}"
    return text[: parent.start + 1] + made + text[parent.end - 1 :]


def _lead(text: str, opening: int, spans: list[tuple[int, int]]) -> tuple[str, str]:
    """The white space before a further part, and the indent that it stands at."""
    if len(spans) > 1:
        between = text[spans[-2][1] : spans[-1][0]]
        lead = between[between.index(",") + 1 :]
    else:
        lead = text[opening + 1 : spans[0][0]]
        lead = lead if "\n" in lead else " "
    indent = lead[lead.rindex("\n") + 1 :] if "\n" in lead else _indent(text, spans[0][0])
    return lead, indent


def _look(text: str, root: Node) -> Look:
    """As the document's first members are written."""
    if root.kind != "object" or not root.members:
        return Look("\n", "  ", ": ")
    first = root.members[0]
    lead = text[root.start + 1 : first.start]
    between = text[first.key_end : first.node.start]
    colon = between if between.strip() == ":" and "\n" not in between else ": "
    if "\n" not in lead:
        return Look("", "", colon)
    unit = lead[lead.rindex("\n") + 1 :]
    return Look("\r\n" if "\r\n" in lead else "\n", unit or "  ", colon)


def _indent(text: str, at: int) -> str:
    """The white space that the line of this place begins with."""
    start = text.rfind("\n", 0, at) + 1
    line = text[start:at]
    return line[: len(line) - len(line.lstrip(" \t"))]


def render(value: Any, look: Look, indent: str) -> str:
    """A value as text: on one line where it is short and holds no lists of objects, else member by member."""
    flat = _flat(value, look.colon)
    nested = isinstance(value, dict | list) and bool(value)
    if not look.newline or not nested or (len(indent) + len(flat) <= _WIDTH and not _is_tall(value)):
        return flat
    inner = indent + look.unit
    if isinstance(value, dict):
        parts = [f"{_quoted(key)}{look.colon}{render(item, look, inner)}" for key, item in value.items()]
    else:
        parts = [render(item, look, inner) for item in value]
    opening, closing = ("{", "}") if isinstance(value, dict) else ("[", "]")
    lines = f",{look.newline}".join(inner + part for part in parts)
    return f"{opening}{look.newline}{lines}{look.newline}{indent}{closing}"


def _is_tall(value: Any) -> bool:
    """A rule, and what holds one, reads better over several lines."""
    if isinstance(value, list):
        return any(map(_is_tall, value))
    if not isinstance(value, dict):
        return False
    lists = [item for item in value.values() if isinstance(item, list)]
    return any(isinstance(each, dict) for item in lists for each in item) or any(map(_is_tall, value.values()))


def _flat(value: Any, colon: str) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_quoted(key)}{colon}{_flat(item, colon)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_flat(item, colon) for item in value) + "]"
    return str(value) if type(value) is LosslessFloat else json.dumps(value, ensure_ascii=False)


def _quoted(key: str) -> str:
    return json.dumps(key, ensure_ascii=False)
