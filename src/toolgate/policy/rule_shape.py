"""The shape of rules: conditions, their paths, operators and values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

from toolgate.policy.entries import escape
from toolgate.policy.operators import Operator
from toolgate.policy.paths import BadPath, parse_path
from toolgate.policy.problems import Problem
from toolgate.policy.typed import OPERATORS, SQL_DIALECTS

_KNOWN = ("path", "op", "value", "zone", "dialect")
_PATH_MEND = (
    "read the call with `{root}.name`, who asks with `grant.label`, `grant.labels.KEY`, `principal` or `session.id`, "
    "or `time.hour`, `time.weekday`, `time.iso`, `tool.name`, `tool.category`, `tool.risk`"
)


def find_rule_problems(rule: dict[str, Any], pointer: str, root: str) -> Iterator[Problem]:
    """Problems of the conditions of one rule; `root` is `args` or `params`."""
    conditions = rule.get("conditions")
    if type(conditions) is not list:
        mend = "write a list of conditions; an empty one always holds"
        yield Problem(pointer, "the list `conditions` is missing or no list", mend)
        return
    for place, condition in enumerate(conditions):
        at = f"{pointer}/conditions/{place}"
        if type(condition) is not dict:
            yield Problem(at, "the condition is no object", 'write `{"path": ..., "op": ..., "value": ...}`')
        else:
            yield from _condition(condition, at, root)


def _condition(raw: dict[str, Any], pointer: str, root: str) -> Iterator[Problem]:
    for key in raw:
        if key not in _KNOWN:
            mend = "a condition has `path`, `op`, `value`, and where they apply `zone` and `dialect`"
            yield Problem(f"{pointer}/{escape(key)}", f"the key `{key}` is not known here", mend)
    for key in ("path", "op", "value"):
        if key not in raw:
            yield Problem(pointer, f"the key `{key}` is missing", "a condition needs `path`, `op` and `value`")
    path = raw.get("path")
    if "path" in raw:
        yield from find_path_problems(path, f"{pointer}/path", root)
    operator = OPERATORS.get(raw["op"]) if type(raw.get("op")) is str else None
    if "op" in raw and operator is None:
        known = ", ".join(f"`{name}`" for name in OPERATORS)
        yield Problem(f"{pointer}/op", f"`{raw['op']}` is no operator", f"use one of {known}")
    if operator is not None and "value" in raw:
        yield from _value(raw["value"], f"{pointer}/value", operator)
    yield from _zone(raw, pointer)
    yield from _dialect(raw, pointer, operator)


def find_path_problems(path: object, pointer: str, root: str) -> Iterator[Problem]:
    """Problems of a path that may start in the call (`root`) or in what is known of who calls and when."""
    mend = _PATH_MEND.format(root=root)
    if type(path) is not str:
        yield Problem(pointer, "the path is no text", mend)
        return
    try:
        read = parse_path(path)
    except BadPath as error:
        yield Problem(pointer, str(error), mend)
        return
    if read.reads_arguments and read.root != root:
        yield Problem(pointer, f"a path here starts with `{root}.`, not with `{read.root}.`", mend)
    elif root == "params" and read.root.startswith("tool."):
        yield Problem(pointer, f"`{path}` has no meaning where no tool is called", mend)


def _value(value: object, pointer: str, operator: Operator) -> Iterator[Problem]:
    if type(value) is dict and operator.refers:
        yield from _reference(value, pointer)
        return
    cause = operator.check(value)
    if cause:
        mend = "see the operator in the documentation of policies"
        yield Problem(pointer, f"{cause}, which `{operator.name}` does not take", mend)


def _reference(value: dict[str, Any], pointer: str) -> Iterator[Problem]:
    mend = 'write `{"ref": "grant.labels.KEY"}` or another path that does not start in the call'
    if value.keys() != {"ref"} or type(value["ref"]) is not str:
        yield Problem(pointer, "the value is an object but no reference", mend)
        return
    try:
        path = parse_path(value["ref"])
    except BadPath as error:
        yield Problem(f"{pointer}/ref", str(error), mend)
        return
    if path.reads_arguments:
        yield Problem(f"{pointer}/ref", f"the reference `{path.text}` starts in the call", mend)


def _zone(raw: dict[str, Any], pointer: str) -> Iterator[Problem]:
    if "zone" not in raw:
        return
    value = raw.get("value")
    named = [raw.get("path"), value.get("ref") if type(value) is dict else None]
    if not any(type(name) is str and name.startswith("time.") for name in named):
        yield Problem(f"{pointer}/zone", "the condition reads no time, so `zone` has no meaning", "remove it")
    elif not _is_zone(raw["zone"]):
        mend = "use a name of the time zone database such as `Europe/Berlin`"
        yield Problem(f"{pointer}/zone", f"`{raw['zone']}` is no time zone", mend)


def _is_zone(name: object) -> bool:
    try:
        return type(name) is str and bool(ZoneInfo(name).key)
    except (ValueError, OSError, KeyError):  # not found, no name, a directory of the database
        return False


def _dialect(raw: dict[str, Any], pointer: str, operator: Operator | None) -> Iterator[Problem]:
    known = ", ".join(f"`{name}`" for name in SQL_DIALECTS)
    wanted = operator is not None and operator.name == "sql_only"
    if "dialect" in raw and not wanted:
        yield Problem(f"{pointer}/dialect", "`dialect` has a meaning only for `sql_only`", "remove it")
    elif wanted and raw.get("dialect") not in SQL_DIALECTS:
        yield Problem(pointer, "`sql_only` needs the dialect of the server", f"add `dialect`: one of {known}")
