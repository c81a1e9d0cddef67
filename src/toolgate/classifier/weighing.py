"""Name, description, parameters and claims weighed against each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from toolgate.classifier.choices import cautious_flag, chosen, deleting_flag, kept_at, run_by
from toolgate.classifier.grammar import by_description, listed_categories, phrase
from toolgate.classifier.lexicon import Lexicon
from toolgate.classifier.naming import by_name
from toolgate.classifier.parameters import Parameter, word_set
from toolgate.classifier.reading import HINTS, PROBABLY, SAYS, Reading, Setting
from toolgate.policy.categories import PRECEDENCE, Category

_NOTHING = Reading("Execute", "nothing in the definition says what it does", 0)
_CLAIMS = ("readOnlyHint", "destructiveHint")
_ASKS = word_set("get list search find fetch read show view lookup count describe retrieve query")
_FILES = word_set("write save create copy move replace export put rename import restore download")
_EXPLAINS = word_set(
    "search find explain validate check analyze analyse format lint parse review describe suggest optimize"
)


@dataclass(frozen=True, slots=True)
class Part:
    """A definition taken apart."""

    words: Sequence[str]
    text: str
    schema: object
    declared: Sequence[Parameter]
    claims: Mapping[object, object]


class Judged(NamedTuple):
    """The answer for one tool; `guessed` where nothing in the definition decided it."""

    category: Category
    confidence: Literal["high", "medium", "low"]
    evidence: tuple[str, ...]
    guessed: bool


def judged(part: Part, setting: Setting, lexicon: Lexicon) -> Judged:
    """Weigh all that one definition says."""
    named, told = by_name(part.words, setting, lexicon), by_description(part.text, setting, lexicon)
    lowered = part.text.lower()
    first = _settled(named, told, part.claims)
    first = _opened(first, lowered, lexicon)
    decided = _raised(first, part, lowered, lexicon)
    supports = [each for each in (named, told) if each is not None and each.category == decided.category]
    evidence = [decided.evidence, *(each.evidence for each in supports)]
    evidence += [
        f"annotation `{key}` is {str(part.claims[key]).lower()}"
        for key in _CLAIMS
        if type(part.claims.get(key)) is bool
    ]
    return Judged(
        decided.category, _confidence(decided, named, told), tuple(dict.fromkeys(evidence)), decided.weight == 0
    )


def _settled(named: Reading | None, told: Reading | None, claims: Mapping[object, object]) -> Reading:
    if named is not None and told is not None:
        return _between(named, told)
    only = named or told
    if only is not None:
        return only
    if claims.get("readOnlyHint") is True:
        return Reading("Read", "annotation `readOnlyHint` is true", HINTS)
    return _NOTHING


def _between(named: Reading, told: Reading) -> Reading:
    """Which of two that differ counts: the weightier; of equal ones the riskier, unless the name plainly asks."""
    if named.category == told.category:
        return named if named.weight >= told.weight else told
    if named.verb.startswith("un") and told.category == "Destructive":
        return named
    if told.beside and told.verb == named.verb:
        return told
    if named.category == "Destructive" and named.weight >= PROBABLY and told.category != "Financial":
        return named
    if named.weight != told.weight:
        return named if named.weight > told.weight else told
    if named.category == "Read" and named.verb in _ASKS:
        return named
    if told.beside and not named.beside:
        return told
    return max(named, told, key=lambda each: PRECEDENCE.index(each.category))


def _opened(first: Reading, lowered: str, lexicon: Lexicon) -> Reading:
    """A tool that manages does all that its description and its choices name."""
    verb = lexicon.verbs.get(first.verb)
    if verb is None or verb.kind != "open":
        return first
    listed = listed_categories(lowered[:1000], lexicon)
    categories = [each for each in listed if each != "Execute"]
    if not categories or (categories == ["Read"] and first.category == "Write"):
        return first
    riskiest = max(categories, key=PRECEDENCE.index)
    return Reading(riskiest, f"description says `{listed[riskiest]}`", PROBABLY, first.verb)


def _raised(first: Reading, part: Part, lowered: str, lexicon: Lexicon) -> Reading:
    """The riskiest of what was read and what makes it riskier."""
    found = [first, *_by_parameters(first, part, lexicon), *_by_phrases(first, part, lowered, lexicon)]
    found += _by_claims(first, part.claims)
    decided = max(found, key=lambda each: PRECEDENCE.index(each.category))
    open_to_it = decided.category == "Execute" or decided.weight < PROBABLY
    if decided.category in ("Read", "Destructive", "Financial") or not open_to_it:
        return decided
    safe = phrase(lowered[:1500], "reads", lexicon)
    return Reading("Read", f"description says `{safe}`", PROBABLY) if safe else decided


def _by_parameters(first: Reading, part: Part, lexicon: Lexicon) -> list[Reading]:
    found = chosen(part.declared, lexicon)
    if found and first.weight < SAYS and all(each.category == "Read" for each in found):
        return []
    found = [each for each in found if each.category in ("Destructive", "Financial") or first.weight < SAYS]
    run = run_by(part.declared)
    if first.category == "Read" and run and not _EXPLAINS.intersection(part.words):
        found.append(Reading("Execute", f"parameter `{run}` is run", PROBABLY))
    if first.category == "Write" and (flag := deleting_flag(part.declared)):
        found.append(Reading("Destructive", f"parameter `{flag}` deletes", PROBABLY))
    if first.category == "Read" and first.weight < SAYS and (flag := cautious_flag(part.declared)):
        found.append(Reading("Write", f"parameter `{flag}` is for what changes something", PROBABLY))
    kept = kept_at(part.declared) if first.category == "Read" else ""
    if kept:
        found.append(Reading("Write", f"parameter `{kept}` says where to keep it", PROBABLY))
    return found


def _by_phrases(first: Reading, part: Part, lowered: str, lexicon: Lexicon) -> list[Reading]:
    if first.category == "Read" and first.weight == SAYS:
        return []
    found = []
    permanent = phrase(lowered, "permanent", lexicon)
    if permanent:
        found.append(Reading("Destructive", f"description says `{permanent}`", SAYS))
    if first.verb in _FILES and (over := phrase(lowered, "overwrites", lexicon)):
        found.append(Reading("Destructive", f"description says `{over}`", SAYS))
    if first.category == "Write" and (changed := _deleting(part)):
        found.append(Reading("Destructive", f"description says `{changed}`", SAYS))
    spends = phrase(lowered[:800], "spends", lexicon) if first.category != "Read" else ""
    if spends:
        found.append(Reading("Financial", f"description says `{spends}`", SAYS))
    return found


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


def _confidence(decided: Reading, named: Reading | None, told: Reading | None) -> Literal["high", "medium", "low"]:
    both = [each for each in (named, told) if each is not None]
    agree = [each for each in both if each.category == decided.category]
    weight = sum(each.weight for each in agree)
    if len(agree) == len(both) == 2 and weight >= SAYS + PROBABLY:
        return "high"
    if len(agree) == len(both) and weight >= SAYS:
        return "medium"
    return "medium" if decided.weight == SAYS and (len(agree) == 1) and len(both) == 2 and weight >= SAYS else "low"
