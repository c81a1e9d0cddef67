"""The table of operators: what a value in the document may be, and the test that it becomes."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from toolgate.policy.numerals import exact
from toolgate.policy.paths import MISSING, Gap
from toolgate.policy.regexes import BadPattern, compile_pattern

Test = Callable[[object], bool | None]
"""What a condition says of one value (or `Gap`): true, false, or None where it cannot be judged."""
Kinds = tuple[str, ...]


@dataclass(slots=True, frozen=True)
class Operator:
    """One row of the table.

    `check` gives the cause why a value of the document is not accepted, "" where it is; `build` makes the test of an
    accepted value; `kinds` are the JSON types of argument that it can judge; `reads` names them in messages; `holds`
    and `fails` complete "argument `x` ...", with the value in place of `{}`. `refers` where `{"ref": ...}` may stand.
    """

    name: str
    check: Callable[[object], str]
    build: Callable[[object], Test]
    kinds: Callable[[object], Kinds]
    holds: str
    fails: str
    reads: str = "what the rule compares with"
    refers: bool = False


def kind_of(value: object) -> str:
    """The JSON type by its name."""
    if value is None:
        return "null"
    if type(value) is bool:
        return "boolean"
    if type(value) is str:
        return "string"
    if type(value) is list:
        return "array"
    return "object" if type(value) is dict else "number"


def check_scalar(value: object) -> str:
    """Strings, booleans, null, and numbers that every double decoder reads alike."""
    if type(value) in (list, dict):
        return "the value is an array or object, which nothing compares with"
    if kind_of(value) == "number" and exact(value) is None:
        return "the value is a number that does not survive double precision or has more than 32 digits"
    return ""


def check_string(value: object) -> str:
    """A string."""
    return "" if type(value) is str else "the value is no string"


def check_list(value: object, check: Callable[[object], str]) -> str:
    """A list each of whose members passes `check`."""
    if type(value) is not list:
        return "the value is no list"
    return next((cause.replace("the value", "a member of the list", 1) for cause in map(check, value) if cause), "")


def _check_order(value: object) -> str:
    if kind_of(value) not in ("number", "string"):
        return "the value is neither a number nor a string"
    return check_scalar(value)


def _check_pattern(value: object) -> str:
    if type(value) is not str:
        return "the value is no string"
    try:
        compile_pattern(value)
    except BadPattern as error:
        return str(error)
    return ""


def _check_boolean(value: object) -> str:
    return "" if type(value) is bool else "the value is neither true nor false"


def _check_length(value: object) -> str:
    return "" if type(value) is int and value >= 0 else "the value is no whole number from 0 up"


def negate(test: Test) -> Test:
    """Not true is false, not undefined is undefined."""

    def negated(value: object) -> bool | None:
        verdict = test(value)
        return None if verdict is None else not verdict

    return negated


def equals(wanted: object) -> Test:
    """Equality within one JSON type; another type is undefined."""
    kind = kind_of(wanted)
    if kind == "number":
        number = exact(wanted)
        return lambda value: None if (found := exact(value)) is None else found == number
    if kind == "null":
        return lambda value: True if value is None else None
    expected = type(wanted)
    return lambda value: value == wanted if type(value) is expected else None


def one_of(members: object) -> Test:
    """Membership among the members of the value's own type; undefined where the list has none of that type."""
    assert type(members) is list
    if not members:
        return lambda value: None if type(value) is Gap else False
    strings = frozenset(member for member in members if type(member) is str)
    if all(type(member) is str for member in members):
        return lambda value: value in strings if type(value) is str else None
    booleans = [member for member in members if type(member) is bool]
    numbers = frozenset(exact(member) for member in members if kind_of(member) == "number")
    has_null = None in members

    def test(value: object) -> bool | None:
        if type(value) is str:
            return value in strings if strings else None
        if value is None:
            return True if has_null else None
        if type(value) is bool:
            return value in booleans if booleans else None
        number = exact(value)
        return None if number is None or not numbers else number in numbers

    return test


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[object], Test]:
    def build(bound: object) -> Test:
        if type(bound) is str:
            return lambda value: compare(value, bound) if type(value) is str else None
        limit = exact(bound)

        def test(value: object) -> bool | None:
            number = value if type(value) is int and -_FAST < value < _FAST else exact(value)
            return None if number is None else compare(number, limit)

        return test

    return build


_FAST = 2**53


def any_of(verdicts: Iterable[bool | None]) -> bool | None:
    """Kleene's OR: true wins, else undefined wins."""
    outcome: bool | None = False
    for verdict in verdicts:
        if verdict:
            return True
        if verdict is None:
            outcome = None
    return outcome


def all_of(verdicts: Iterable[bool | None]) -> bool | None:
    """Kleene's AND: false wins, else undefined wins."""
    outcome: bool | None = True
    for verdict in verdicts:
        if verdict is False:
            return False
        if verdict is None:
            outcome = None
    return outcome


def _contains(wanted: object) -> Test:
    same = equals(wanted)

    def test(value: object) -> bool | None:
        if type(value) is str:
            return wanted in value if type(wanted) is str else None
        return any_of(map(same, value)) if type(value) is list else None

    return test


def _exists(wanted: object) -> Test:
    def test(value: object) -> bool | None:
        if value is MISSING:
            return not wanted
        return None if value is None or type(value) is Gap else bool(wanted)

    return test


def text_test(judge: Callable[[str], bool | None]) -> Test:
    """A test of strings; any other value is undefined."""
    return lambda value: judge(value) if type(value) is str else None


def _regex(pattern: object) -> Test:
    return text_test(compile_pattern(str(pattern)))


def _full_match(pattern: object) -> Test:
    return text_test(compile_pattern(str(pattern), whole=True))


def _starts_with(prefix: object) -> Test:
    start = str(prefix)
    return lambda value: value.startswith(start) if type(value) is str else None


def _ends_with(suffix: object) -> Test:
    end = str(suffix)
    return lambda value: value.endswith(end) if type(value) is str else None


def _length_lte(most: object) -> Test:
    assert type(most) is int
    return lambda value: len(value) <= most if type(value) in (str, list) else None  # type: ignore[arg-type]


def _own_kind(value: object) -> Kinds:
    return (kind_of(value),)


def _kinds_of_members(value: object) -> Kinds:
    assert type(value) is list
    return tuple(dict.fromkeys(map(kind_of, value)))


def _contains_kinds(value: object) -> Kinds:
    return ("string", "array") if type(value) is str else ("array",)


def any_kind(_: object) -> Kinds:
    """Every type but null, which says neither that the argument is there nor that it is not."""
    return ("boolean", "string", "array", "object", "number")


def text(_: object) -> Kinds:
    """Strings."""
    return ("string",)


def _scalars(value: object) -> str:
    return check_list(value, check_scalar)


def _not_one_of(members: object) -> Test:
    return negate(one_of(members))


BASE = (
    Operator("eq", check_scalar, equals, _own_kind, "is {}", "is not {}", refers=True),
    Operator("neq", check_scalar, lambda value: negate(equals(value)), _own_kind, "is not {}", "is {}", refers=True),
    Operator("lt", _check_order, _ordered(operator.lt), _own_kind, "is below {}", "is not below {}", refers=True),
    Operator("lte", _check_order, _ordered(operator.le), _own_kind, "is at most {}", "is above {}", refers=True),
    Operator("gt", _check_order, _ordered(operator.gt), _own_kind, "is above {}", "is not above {}", refers=True),
    Operator("gte", _check_order, _ordered(operator.ge), _own_kind, "is at least {}", "is below {}", refers=True),
    Operator("in", _scalars, one_of, _kinds_of_members, "is one of {}", "is not one of {}"),
    Operator("not_in", _scalars, _not_one_of, _kinds_of_members, "is not one of {}", "is one of {}"),
    Operator("exists", _check_boolean, _exists, any_kind, "meets `exists` {}", "does not meet `exists` {}"),
    Operator("regex", _check_pattern, _regex, text, "matches `{}`", "does not match `{}`"),
    Operator("contains", check_scalar, _contains, _contains_kinds, "contains {}", "does not contain {}", refers=True),
    Operator("starts_with", check_string, _starts_with, text, "starts with {}", "does not start with {}", refers=True),
    Operator("ends_with", check_string, _ends_with, text, "ends with {}", "does not end with {}", refers=True),
    Operator(
        "length_lte",
        _check_length,
        _length_lte,
        lambda _: ("string", "array"),
        "is not longer than {}",
        "is longer than {}",
    ),
    Operator("full_match", _check_pattern, _full_match, text, "matches {} as a whole", "does not match {} as a whole"),
)
"""The eleven of the base grammar, and the typed ones that need no parser."""
