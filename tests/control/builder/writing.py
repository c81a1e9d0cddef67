"""Documents written as people and programs write them: odd spaces, key order, escapes and spellings of numbers."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st
from jiter import LosslessFloat
from tests.policy import generated

spaces = st.sampled_from(["", " ", "  ", "\n", "\n    ", "\t", "\r\n  ", " \n\t"])


@st.composite
def written(draw: st.DrawFn, value: Any) -> str:
    """Some text of a JSON value."""
    if isinstance(value, dict):
        items = draw(st.permutations(list(value.items())))
        parts = [f"{draw(quoted(key))}{draw(spaces)}:{draw(spaces)}{draw(written(item))}" for key, item in items]
        return "{" + draw(joined(parts)) + "}"
    if isinstance(value, list):
        return "[" + draw(joined([draw(written(item)) for item in value])) + "]"
    if isinstance(value, str):
        return draw(quoted(value))
    return draw(numeral(value))


@st.composite
def joined(draw: st.DrawFn, parts: list[str]) -> str:
    return draw(spaces) + ",".join(f"{draw(spaces)}{part}{draw(spaces)}" for part in parts)


@st.composite
def quoted(draw: st.DrawFn, text: str) -> str:
    how = draw(st.integers(0, 3))
    if how:
        return json.dumps(text, ensure_ascii=how == 1)
    return '"' + "".join(f"\\u{ord(letter):04x}" for letter in text) + '"'


@st.composite
def numeral(draw: st.DrawFn, value: Any) -> str:
    if isinstance(value, LosslessFloat):
        return str(value)
    flat = json.dumps(value)
    if isinstance(value, float) or (type(value) is int and 0 < value < 100 and draw(st.integers(0, 4)) == 0):
        return draw(st.sampled_from([flat, f"{flat}e0" if "." in flat else flat]))
    return flat


@st.composite
def texts(draw: st.DrawFn) -> str:
    """The text of a valid policy document: one in three as a program would write it."""
    document = draw(generated.documents())
    if draw(st.integers(0, 2)) == 0:
        return json.dumps(document, indent=draw(st.sampled_from([None, 2, 4, "\t"])), ensure_ascii=False)
    return f"{draw(spaces)}{draw(written(document))}{draw(spaces)}"


def pretty(document: Any) -> str:
    return json.dumps(document, indent=2)
