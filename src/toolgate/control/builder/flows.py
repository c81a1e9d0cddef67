"""Flows as fields: after these tools those come no more. What nobody touches stays as it is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from toolgate.control.builder.fields import Fields, in_area, in_line, with_choice, with_text
from toolgate.control.builder.problem import NotPossible
from toolgate.control.builder.splices import put
from toolgate.control.builder.values import BadValue, value_of, value_text
from toolgate.policy.categories import PRECEDENCE
from toolgate.policy.flows import Flow, read_some
from toolgate.policy.words import lasting_words, some_words

COMPOSED: Final = "newflow"
LEGS: Final = {"after": "After", "and_after": "and after", "deny": "comes no more"}
SORTS: Final = {
    "Read": "reads",
    "Write": "writes",
    "Execute": "executes",
    "Destructive": "deletes",
    "Financial": "moves money",
}
"""What tools of a category do, in a word."""


def flow_fields(flow: Mapping[str, Any], place: int) -> dict[str, Any]:
    """What the fields of one flow show."""
    legs = [
        {"key": key, "names": _names(flow.get(key, ())), "sorts": _sorts(flow.get(key, ()))}
        for key in LEGS
    ]  # fmt: skip
    return {
        "field": f"flow:{place}",
        "pointer": f"/flows/{place}",
        "legs": legs,
        "within": flow.get("within", ""),
        "on_deny": flow.get("on_deny", ""),
    }


def sentence(flow: Flow) -> str:
    """`after read_ticket no more send_mail, for the rest of the session`, with the author's words in backticks."""
    both = f", together with {some_words(flow.and_after)}," if flow.has_two_legs else ""
    lasting = lasting_words(flow.seconds)
    return f"after {some_words(flow.after)}{both} no more {some_words(flow.deny)}, {lasting}"


def no_flow() -> dict[str, Any]:
    """What the fields show in which a flow is composed."""
    return {**flow_fields({}, 0), "field": COMPOSED, "pointer": ""}


def flow_from(fields: Fields, prefix: str, old: dict[str, Any]) -> dict[str, Any]:
    """A flow as its fields have it. Raises BadValue, whose place is the field."""
    flow = dict(old)
    for key in LEGS:
        items = items_from(fields, f"{prefix}:{key}", old.get(key, []))
        if items or (key in old and key != "and_after"):
            flow[key] = items
        else:
            flow.pop(key, None)
    typed = fields.get(f"{prefix}:within", old.get("within", "")).strip()
    if typed != in_line(old.get("within", "")).strip():
        flow = with_choice(flow, "within", typed)
    return with_text(flow, "on_deny", fields, f"{prefix}:on_deny")


def add_flow(text: str, fields: Fields) -> str:
    """The text with the flow that was composed. Raises NotPossible where it says nothing."""
    flow = flow_from(fields, COMPOSED, {})
    for key in ("after", "deny"):
        if key not in flow:
            mend = "write the name of a tool or a pattern, or mark what its tools do"
            raise NotPossible(f"{COMPOSED}:{key}", "no tool is named", mend)
    return put(text, "/flows/-", flow)


def items_from(fields: Fields, prefix: str, old: list[Any]) -> list[Any]:
    """The tools and categories of one leg; those that stay keep their places."""
    names = _names_typed(fields, prefix, old)
    sorts = _sorts_marked(fields, prefix, old)
    same = sorts == _sorts(old)
    kept = []
    for item in old:
        if not isinstance(item, str):
            kept += [item] if same else []
        elif item in names:
            names.remove(item)
            kept.append(item)
    return [*kept, *names, *([{"category": sorts}] if sorts and not same else [])]


def _names_typed(fields: Fields, prefix: str, old: Sequence[Any]) -> list[Any]:
    shown = _names(old)
    typed = in_area(fields.get(prefix, shown))
    if typed == in_area(shown):
        return [item for item in old if isinstance(item, str)]
    try:
        return list(value_of("in", typed, "string"))
    except BadValue as error:
        raise BadValue(prefix, error.cause, error.mend) from error


def _sorts_marked(fields: Fields, prefix: str, old: Sequence[Any]) -> list[str]:
    """Boxes that are not marked are not sent, so the form says with a field of its own that it had them."""
    if f"{prefix}:sorts" not in fields:
        return _sorts(old)
    return [sort for sort in PRECEDENCE if f"{prefix}:{sort}" in fields]


def _names(items: Sequence[Any]) -> str:
    """Names and patterns, one a line."""
    names = [item for item in items if isinstance(item, str)]
    return value_text(names, "string") if names else ""


def _sorts(items: Sequence[Any]) -> list[str]:
    named = read_some(items).categories
    return [sort for sort in PRECEDENCE if sort in named]
