"""What a tool's arguments ask for beyond the rule of its category: each safeguard is one more rule of its entry.

An argument that every call has is required to be harmless. One that a call may leave out must not make that call
fail, so a person is asked where it is sent; only a place to work in is required all the same, because a server that is
told no place chooses one itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from toolgate.classifier.arguments import Argument
from toolgate.classifier.classify import Category
from toolgate.classifier.guarded import Judged, is_amount, is_path, is_place, is_recipient, is_run, is_sql, is_url
from toolgate.classifier.recommend import counter_of
from toolgate.policy.typed import SQL_KINDS

ROOT = "/REPLACE/with/a/root"
HOST = "replace.invalid"
"""Reserved by RFC 2606: no address is ever there."""
NO_DIALECT = "REPLACE this condition with sql_only and the dialect of the server"
MOST_AT_ONCE = 20
"""Elements of a list that one call may change."""
_KINDS: dict[Category, list[str]] = {"Write": ["select", "insert", "update"]}


@dataclass(slots=True, frozen=True)
class Blank:
    """What a person has to fill in: `place` is a JSON pointer from the rule on."""

    place: str
    what: str
    example: object


@dataclass(slots=True, frozen=True)
class Safeguard:
    """One rule, or one limit, and the list of the entry that it is added to."""

    section: Literal["require", "deny_if", "require_approval", "limits"]
    rule: dict[str, Any]
    blank: Blank | None = None


def safeguards(tool: Judged) -> Iterator[Safeguard]:
    """The safeguards of one tool, in the order of its arguments. Each only restricts."""
    for argument in tool.arguments:
        guard = next((make for test, make in _TYPED if test(argument, tool)), None)
        if guard is not None:
            yield guard(argument, tool)
        if argument.is_list and "bulk" in tool.signals and "[*]" not in argument.path:
            yield _few(argument)
    if tool.category == "Financial":
        yield from _quota(tool)


def asks_for_a_person(tool: Judged) -> str:
    """Why every call of the tool should wait for a person; "" where it need not."""
    runs = any(is_run(each, tool) for each in tool.arguments)
    return "It runs what the caller writes." if runs and tool.category == "Execute" else ""


def _sql(argument: Argument, tool: Judged) -> Safeguard:
    kinds = _KINDS.get(tool.category, ["select"])
    wanted = {"path": argument.inside, "op": "sql_only", "value": kinds, "dialect": tool.dialect or "postgres"}
    if not tool.dialect:
        blank = Blank("/conditions/0", "the SQL that the server speaks and the kinds of statement to allow", wanted)
        unsaid = {"path": argument.inside, "op": "in", "value": [NO_DIALECT]}
        return _limited(argument, unsaid, blank, "It carries SQL.")
    more = Blank(
        "/conditions/0/value", "the kinds of statement to allow beside those that stand there", sorted(SQL_KINDS)
    )
    return _limited(argument, wanted, None if tool.category == "Read" else more, "It carries SQL.")


def _path(argument: Argument, _: Judged) -> Safeguard:
    condition = {"path": argument.inside, "op": "path_under", "value": ROOT}
    what = "the folder that calls must stay in, absolute or relative as the server takes paths"
    blank = Blank("/conditions/0/value", what, "/srv/project")
    return _limited(argument, condition, blank, "It names a file.", is_place(argument))


def _url(argument: Argument, _: Judged) -> Safeguard:
    condition = {"path": argument.inside, "op": "host_in", "value": [HOST]}
    blank = Blank("/conditions/0/value", "the hosts that may be named", ["docs.example.com", "*.example.org"])
    return _limited(argument, condition, blank, "It names an address of the network.")


def _mail(argument: Argument, _: Judged) -> Safeguard:
    condition = {"path": argument.path, "op": "email_domain_in", "value": [HOST]}
    blank = Blank("/conditions/0/value", "the domains that mail may go to", ["example.com"])
    return _limited(argument, condition, blank, "It names people to write to.")


_TYPED: tuple[tuple[Callable[[Argument, Judged], bool], Callable[[Argument, Judged], Safeguard]], ...] = (
    (is_sql, _sql),
    (is_url, _url),
    (is_path, _path),
    (is_recipient, _mail),
)
"""The first that fits an argument counts."""


def _limited(
    argument: Argument, condition: dict[str, Any], blank: Blank | None, reason: str, always: bool = False
) -> Safeguard:
    if argument.required or always:
        return Safeguard("require", {"conditions": [condition]}, blank)
    sent = {"path": argument.path, "op": "exists", "value": True}
    return Safeguard("require_approval", {"conditions": [sent], "on_deny": reason})


def _few(argument: Argument) -> Safeguard:
    """Where the list may be left out, what is forbidden is the element too many."""
    if argument.required:
        condition = {"path": argument.path, "op": "length_lte", "value": MOST_AT_ONCE}
        return Safeguard("require", {"conditions": [condition]})
    beyond = {"path": f"{argument.path}[{MOST_AT_ONCE}]", "op": "exists", "value": True}
    return Safeguard("deny_if", {"conditions": [beyond], "on_deny": f"At most {MOST_AT_ONCE} at once."})


def _quota(tool: Judged) -> Iterator[Safeguard]:
    """A sum for each day; a call that does not say how much it moves is refused."""
    amount = next((each for each in tool.arguments if is_amount(each)), None)
    if amount is not None:
        counter = counter_of(tool.name, "amount")
        limit = {"counter": counter, "window": "day", "max": 0, "scope": "grant", "cost": amount.path}
        yield Safeguard(
            "limits", limit, Blank("/max", "how much may be moved in a day, in the unit of the argument", 100)
        )
