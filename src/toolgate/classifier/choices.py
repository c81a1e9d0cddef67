"""What the parameters of a tool say of what it does: actions to choose from, code to run, money to move."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from toolgate.classifier.lexicon import Lexicon
from toolgate.classifier.naming import by_name
from toolgate.classifier.parameters import Parameter, word_set, words_of
from toolgate.classifier.phrases import listed_categories
from toolgate.classifier.reading import SAYS, Reading, Setting
from toolgate.classifier.signals import runs

COMMANDS = word_set("command cmd shell script javascript")
"""Parameters that hold what can do anything."""
_CHOOSERS = word_set("action actions operation operations command method mode op")
_METHODS = frozenset({"get", "post"})
_PARTS = frozenset({"add", "remove", "replace", "test"}), frozenset({"accept", "drop"})
"""Choices in a list of what a tool writes: the steps of a JSON Patch (RFC 6902), the rules of a firewall."""
_SUMS = frozenset({"add", "subtract", "multiply"})
_AMOUNTS = frozenset({"amount", "lamports", "amounts"})
_SIDES = frozenset({"buy", "sell"})
_KEPT_AT = word_set("output save download dest destination out")
_FETCHED_TO = word_set("local target to")
_PLACES = word_set("path file dir directory folder filename filepath")
_DELETING = word_set("drop delete destroy purge wipe erase")
_PAID = word_set("subscription booking reservation order plan upgrade")
_PAYING = (("payment", "method"), ("payment", "method", "id"), ("payment", "token"), ("card", "number"))
_LATER = word_set("on when after")
"""`delete_branch_on_merge` is a setting: nothing is deleted by this call."""
_CAUTIOUS = word_set("dry dryrun confirm confirmed")
_PAGING = frozenset(
    {
        ("limit",),
        ("offset",),
        ("page",),
        ("page", "size"),
        ("per", "page"),
        ("cursor",),
        ("order", "by"),
        ("sort", "by"),
    }
)
_SAID = frozenset({("sql",), ("query",), ("statement",), ("sql", "query")})
_THOUGHTS = frozenset({("total", "thoughts"), ("thought", "number"), ("next", "thought", "needed")})
_READ_AT_MOST, _LONGEST = 300, 80


def _texts(parameter: Parameter) -> set[str]:
    """Its first choices that are text, in lower case."""
    return {choice[:_LONGEST].lower() for choice in parameter.choices[:16] if isinstance(choice, str)}


def amount_of(declared: Sequence[Parameter]) -> str:
    """The path of a parameter that says how much; "" for none."""
    for each in declared:
        if _AMOUNTS.intersection(each.words) or _texts(each) >= _SIDES:
            return each.path
    return ""


def chosen(declared: Sequence[Parameter], lexicon: Lexicon) -> list[Reading]:
    """What each choice of an action means; a tool that takes what to do as an argument does all of it."""
    return [
        reading
        for each in declared
        if each.words and each.words[-1] in _CHOOSERS and len(each.words) < 3 and each.path.count("[") < 2
        for reading in (_of_choices(each, lexicon) if each.choices else _of_text(each, lexicon))
    ]


def _parts(parameter: Parameter) -> frozenset[str]:
    """Choices that say what is computed, or what an entry of a list is: they are nothing that the tool does itself."""
    texts = _texts(parameter)
    known = (_SUMS, *_PARTS) if "[" in parameter.path else (_SUMS,)
    return next((each for each in known if each <= texts), frozenset())


def _any_method(parameter: Parameter) -> Reading:
    return Reading("Execute", f"parameter `{parameter.path}` may be any HTTP method", SAYS, "request")


def _of_choices(parameter: Parameter, lexicon: Lexicon) -> Iterator[Reading]:
    if _texts(parameter) >= _METHODS:
        yield _any_method(parameter)
        return
    parts = _parts(parameter)
    for choice in parameter.choices[:64]:
        if isinstance(choice, str) and choice.lower() not in parts:
            reading = by_name(words_of(choice[:_LONGEST]), Setting(), lexicon)
            if reading is not None:
                yield reading._replace(evidence=f"parameter `{parameter.path}` may be `{choice[:_LONGEST]}`")


def _of_text(parameter: Parameter, lexicon: Lexicon) -> Iterator[Reading]:
    if parameter.words[-1] == "method" and _METHODS.issubset(words_of(parameter.description[:_READ_AT_MOST])):
        yield _any_method(parameter)
        return
    for category, word in listed_categories(parameter.description[:_READ_AT_MOST], lexicon).items():
        if category != "Execute":
            yield Reading(category, f"parameter `{parameter.path}` may be `{word}`", SAYS)


def run_by(declared: Sequence[Parameter], kinds: frozenset[str] = frozenset()) -> str:
    """The path of a parameter whose content is run, of one of the `kinds` where any are given; "" for none."""
    return next(
        (
            each.path
            for each in declared
            if runs(each) and each.path.count("[") < 2 and (not kinds or each.words[-1] in kinds)
        ),
        "",
    )


def said_in_sql(declared: Sequence[Parameter]) -> str:
    """The path of a parameter that says in SQL what a tool for rows does; "" where there are other parameters."""
    if len(declared) > 2:
        return ""
    return next((each.path for each in declared if each.words in _SAID and not each.choices), "")


def kept_at(declared: Sequence[Parameter], verb: str) -> str:
    """The path of a parameter that says where a result is to be kept on disk; "" for none."""
    kept = _KEPT_AT | _FETCHED_TO if verb in ("download", "export") else _KEPT_AT
    return next(
        (each.path for each in declared if kept.intersection(each.words) and _PLACES.intersection(each.words)), ""
    )


def deleting_flag(declared: Sequence[Parameter]) -> str:
    """The path of a switch that makes the tool delete besides: `drop_target`; "" for none."""
    return _switch(declared, _DELETING)


def cautious_flag(declared: Sequence[Parameter]) -> str:
    """The path of a switch that only a tool has that changes something: `dry_run`, `confirm`; "" for none."""
    return _switch(declared, _CAUTIOUS)


def paging_of(declared: Sequence[Parameter]) -> str:
    """The path of a parameter that says which part of a list is wanted: `limit`, `page`; "" for none."""
    return next((each.path for each in declared if each.words in _PAGING), "")


def thought_of(declared: Sequence[Parameter]) -> str:
    """The path of a parameter that numbers thoughts: what takes one keeps notes for the model; "" for none."""
    return next((each.path for each in declared if each.words in _THOUGHTS), "")


def payment_of(words: Sequence[str], declared: Sequence[Parameter]) -> str:
    """The path of a parameter that says how something is paid that the tool's words name; "" for none."""
    if _PAID.isdisjoint(words):
        return ""
    return next((each.path for each in declared if each.words in _PAYING), "")


def _switch(declared: Sequence[Parameter], words: frozenset[str]) -> str:
    return next(
        (
            each.path
            for each in declared
            if each.kind == "boolean"
            and "[" not in each.path
            and each.words
            and each.words[0] in words
            and _LATER.isdisjoint(each.words)
        ),
        "",
    )
