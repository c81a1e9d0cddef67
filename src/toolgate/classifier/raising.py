"""What makes a tool riskier than its name and the head of its description say: choices, parameters, phrases, claims."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from toolgate.classifier.choices import cautious_flag, deleting_flag, kept_at, payment_of, run_by, said_in_sql
from toolgate.classifier.lexicon import Lexicon
from toolgate.classifier.parameters import word_set
from toolgate.classifier.phrases import phrase
from toolgate.classifier.reading import HINTS, PROBABLY, SAYS, Part, Reading
from toolgate.policy.categories import Category

_TOLD_FIRST, _TOLD_SOON = 400, 800
"""Characters of a description in which a phrase is about the tool itself."""
_FILES = word_set("write save create copy move replace export put rename import restore download")
_ROWS = word_set("table tables data row rows record records database")
_TAKING = word_set("download export extract fetch retrieve dump")
_REQUESTING = word_set("send call make trigger fire")
_EXPLAINS = word_set(
    "search find explain validate check analyze analyse format lint parse review describe suggest optimize"
)


def riskier(first: Reading, choices: Sequence[Reading], part: Part, lowered: str, lexicon: Lexicon) -> list[Reading]:
    """All that may raise what was read first; `lowered` is the description in lower case."""
    return [
        *_by_choices(first, choices, part),
        *_by_parameters(first, part),
        *_by_claims(first, part.claims),
        *_by_phrases(first, part, lowered, lexicon),
    ]


def _by_choices(first: Reading, choices: Sequence[Reading], part: Part) -> list[Reading]:
    """Actions to choose from count where they delete or move money, others where nothing sure was said.

    That any HTTP method may be chosen counts of a tool that sends, too.
    """
    if first.weight < SAYS and all(each.category == "Read" for each in choices):
        return []
    sends = first.verb in _REQUESTING or any(each.name == "body" for each in part.declared)
    return [
        each
        for each in choices
        if each.category in ("Destructive", "Financial") or first.weight < SAYS or (sends and each.verb == "request")
    ]


def _by_parameters(first: Reading, part: Part) -> list[Reading]:
    """What parameters say of a tool that seemed to read or to write."""
    found: tuple[tuple[Category, str, str], ...] = ()
    if first.category == "Write":
        found = (
            ("Destructive", deleting_flag(part.declared), "deletes"),
            ("Financial", payment_of(part.words, part.declared), "pays"),
            ("Execute", said_in_sql(part.declared) if not _ROWS.isdisjoint(part.words) else "", "is run"),
        )
    elif first.category == "Read":
        found = (
            ("Execute", run_by(part.declared) if _EXPLAINS.isdisjoint(part.words) else "", "is run"),
            (
                "Write",
                "" if "screenshot" in part.words else kept_at(part.declared, first.verb),
                "says where to keep it",
            ),
            ("Write", cautious_flag(part.declared) if first.weight < SAYS else "", "is for what changes something"),
        )
    return [Reading(category, f"parameter `{path}` {why}", PROBABLY) for category, path, why in found if path]


def _by_phrases(first: Reading, part: Part, lowered: str, lexicon: Lexicon) -> list[Reading]:
    if first.category == "Read" and first.verb in _TAKING:
        kept = phrase(lowered[:_TOLD_FIRST], "keeps", lexicon)
        return [Reading("Write", f"description says `{kept}`", PROBABLY)] if kept else []
    if first.category == "Read" and first.weight == SAYS:
        return []
    writes = first.category == "Write"
    found: tuple[tuple[Category, str], ...] = (
        ("Destructive", phrase(lowered, "permanent", lexicon)),
        ("Destructive", phrase(lowered, "overwrites", lexicon) if first.verb in _FILES else ""),
        ("Destructive", phrase(lowered[:_TOLD_FIRST], "replaces", lexicon) if writes else ""),
        ("Destructive", _deleting(part) if writes else ""),
        ("Financial", phrase(lowered[:_TOLD_SOON], "spends", lexicon) if first.category != "Read" else ""),
    )
    return [Reading(category, f"description says `{said}`", SAYS) for category, said in found if said]


def _deleting(part: Part) -> str:
    """A statement of SQL that deletes, in capitals as people write it."""
    return next(
        (word for word in ("DELETE", "DROP", "TRUNCATE") if f"{word} " in part.text[:400] and "INSERT" in part.text), ""
    )


def _by_claims(first: Reading, claims: Mapping[object, object]) -> list[Reading]:
    if first.weight >= SAYS or first.category == "Execute" or claims.get("readOnlyHint") is True:
        return []
    if claims.get("destructiveHint") is True:
        return [Reading("Destructive", "annotation `destructiveHint` is true", HINTS)]
    if claims.get("readOnlyHint") is False and first.category == "Read" and first.weight == HINTS:
        return [Reading("Write", "annotation `readOnlyHint` is false", HINTS)]
    return []
