"""What a verb means with what it is done to: `send_message` writes, `send_sol` moves money, `perform_search` reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from toolgate.classifier.lexicon import Lexicon, Verb
from toolgate.classifier.reading import Setting
from toolgate.policy.categories import Category

_FAR = 8
"""Words after a verb that count as what it is done to."""


class Meant(NamedTuple):
    """A category and the word beside the verb that decided it, "" where the verb alone did."""

    category: Category
    beside: str = ""


def meaning(verb: Verb, objects: Sequence[str], setting: Setting, lexicon: Lexicon) -> Meant:
    """What `verb` means, done to `objects` (in their order, the last is the head) in that setting."""
    near = objects[:_FAR]
    return (
        _acted(verb, near, setting, lexicon)
        or _paired(verb, near, lexicon)
        or _paid(verb, near, setting, lexicon)
        or _asked(verb, near, lexicon)
        or _by_kind(verb, near, lexicon)
        or Meant(verb.category)
    )


def _paired(verb: Verb, objects: Sequence[str], lexicon: Lexicon) -> Meant | None:
    for word in objects:
        category = lexicon.pairs.get((verb.word, word)) or lexicon.pairs.get((verb.word, word.removesuffix("s")))
        if category is not None and not (category == "Financial" and _spoken(objects, lexicon)):
            return Meant(category, word)
    return None


def _spoken(objects: Sequence[str], lexicon: Lexicon) -> bool:
    """Whether a language is among them: the transaction of a database moves no money."""
    return any(lexicon.has("objects.languages", word) for word in objects)


_OPENING = frozenset({"create", "start", "launch", "init", "initialize"})
"""Where there is a screen, a session is a browser that is started."""


def _acted(verb: Verb, objects: Sequence[str], setting: Setting, lexicon: Lexicon) -> Meant | None:
    if setting.screen and verb.word in _OPENING and "session" in objects:
        return Meant("Execute", "session")
    if setting.screen and verb.category != "Destructive" and lexicon.has("purposes.acting", verb.word):
        return Meant("Execute", "" if not objects else objects[-1])
    return None


def _paid(verb: Verb, objects: Sequence[str], setting: Setting, lexicon: Lexicon) -> Meant | None:
    """Financial, where it is money that is moved; a description of money is only written."""
    if verb.category in ("Read", "Destructive"):
        return None
    # Who pays for a plan pays; a charge's template is only written.
    plainly = verb.kind == "plain" and verb.category == "Financial"
    if objects and not plainly and lexicon.has("objects.neutral", objects[-1]):
        return Meant("Write", objects[-1]) if verb.category == "Financial" else None
    money = _money(verb, objects, setting, lexicon)
    if money:
        return Meant("Financial", money)
    return Meant("Write") if verb.kind == "money" else None


def _money(verb: Verb, objects: Sequence[str], setting: Setting, lexicon: Lexicon) -> str:
    """The word beside the verb that says that money is moved; "" for none."""
    has, moves = lexicon.has, verb.kind == "money" or verb.word == "send"
    market = bool(setting.money or setting.amount)
    for word in objects:
        if (moves or has("objects.moving", verb.word)) and has("objects.payment", word):
            return word
        if moves and (has("objects.money", word) or (has("objects.maybe-money", word) and verb.word != "send")):
            return word
        if verb.word in _ORDERING and has("objects.paid", word):
            return word
        if (verb.word == "place" or (market and verb.category == "Write")) and has("objects.orders", word):
            return word if has("objects.moving", verb.word) or verb.word == "close" else ""
    if verb.kind == "money" and (setting.amount or (setting.money and not objects)):
        return setting.amount or verb.word
    return setting.amount if moves and setting.amount and setting.money else ""


def _asked(verb: Verb, objects: Sequence[str], lexicon: Lexicon) -> Meant | None:
    """A query in a language that can say everything is run: `sql_query`, but not `query_users`."""
    if verb.word != "query":
        return None
    language = next((word for word in objects if _speaks(word, lexicon)), "")
    return Meant("Execute", language) if language else None


_MAKING = frozenset(
    {"generate", "gen", "produce", "construct", "render", "expand", "transform", "imagine", "optimize", "enhance"}
)


def _speaks(word: str, lexicon: Lexicon) -> bool:
    """Whether it is a language, or a product that is named after one: `mongodb`."""
    if word in _STORES:
        return False
    return lexicon.has("objects.languages", word) or (len(word) > 4 and word.endswith(("sql", "db")))


_DOING = frozenset({"perform", "conduct", "do"})
"""What stands last says what is done: `perform a code review`."""
_NUMBERED = frozenset({"auth", "authorization", "oauth", "oauth2", "verification", "discount", "coupon", "promo", "qr"})
"""Whose `code` is no program."""
_STORES = frozenset({"database", "db"})
_ORDERING = frozenset({"book", "order", "reserve", "schedule"})


def _by_kind(verb: Verb, objects: Sequence[str], lexicon: Lexicon) -> Meant | None:
    if verb.kind != "light":
        return None
    if verb.category == "Read":
        kept = next((word for word in objects if lexicon.has("objects.kept", word)), "")
        return Meant("Write", kept) if kept and verb.word in _MAKING else None
    said = [(word, category) for word in unmistaken(objects) if (category := _said(word, lexicon)) is not None]
    if verb.word in _DOING and objects and lexicon.acts.get(objects[-1]) == "Read":
        return Meant("Read", objects[-1])
    if any(lexicon.has("objects.asking", word) for word, _ in said):
        return next(Meant("Read", word) for word, _ in said if lexicon.has("objects.asking", word))
    risky = next((Meant(category, word) for word, category in said if category == "Destructive"), None)
    return risky or next((Meant(category, word) for word, category in said), None)


def unmistaken(objects: Sequence[str]) -> Sequence[str]:
    """Without the `drop` of drag and drop, which deletes nothing, and without codes that are no programs."""
    if "drag" in objects:
        return [word for word in objects if word != "drop"]
    return objects if _NUMBERED.isdisjoint(objects) else [word for word in objects if word != "code"]


def _said(word: str, lexicon: Lexicon) -> Category | None:
    """What a word says of itself: a language, a noun for doing, or another verb."""
    if lexicon.has("objects.asking", word):
        return "Read"
    if lexicon.has("objects.languages", word):
        return "Execute"
    other = lexicon.forms.get(word)
    act = lexicon.acts.get(word) or lexicon.acts.get(word.removesuffix("s"))
    return act or (other.category if other is not None and other.kind == "plain" else None)
