"""Name, description, parameters and claims weighed against each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from toolgate.classifier.choices import COMMANDS, chosen, paging_of, run_by, thought_of
from toolgate.classifier.grammar import by_description
from toolgate.classifier.lexicon import Lexicon
from toolgate.classifier.naming import by_name
from toolgate.classifier.parameters import word_set
from toolgate.classifier.phrases import listed_categories, phrase
from toolgate.classifier.raising import riskier
from toolgate.classifier.reading import HINTS, PROBABLY, SAYS, Part, Reading, Setting
from toolgate.policy.categories import PRECEDENCE, Category

_TOLD_EARLY = 1_500
_NOTHING = Reading("Execute", "nothing in the definition says what it does", 0)
_CLAIMS = ("readOnlyHint", "destructiveHint")
_ASKS = word_set(
    "get list search find fetch read show view check lookup count describe retrieve query estimate simulate calculate"
    " preview"
)
_TELLS = word_set("get list retrieve fetch")
_CHANGES = word_set(
    "create update set add send save write edit modify change upload post put insert move rename patch import publish"
)
"""A sentence that begins with one of the first is believed of a name that has none of the second."""
_TEXTS = word_set("instructions guidance guidelines")
"""What says how something is done does not do it: `Get instructions for running tests`."""
_DOERS = word_set("agent agents")
_CONDITIONS = word_set("if whether")
_QUERIES = frozenset({"", "query", "queries"})


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
    choices = chosen(part.declared, lexicon)
    first = _opened(_settled(named, told, choices, part), lowered, lexicon)
    decided = _riskiest([first, *riskier(first, choices, part, lowered, lexicon)])
    if not setting.shell:
        decided = _calmed(decided, part, lowered, lexicon)
    return Judged(
        decided.category,
        _confidence(decided, named, told),
        _evidence(decided, named, told, part.claims),
        decided.weight == 0,
    )


def _evidence(
    decided: Reading, named: Reading | None, told: Reading | None, claims: Mapping[object, object]
) -> tuple[str, ...]:
    """What decided, what supports it, and what the author claims."""
    supports = [each.evidence for each in (named, told) if each is not None and each.category == decided.category]
    stated = [key for key in _CLAIMS if type(claims.get(key)) is bool]
    said = [f"annotation `{key}` is {str(claims[key]).lower()}" for key in stated]
    return tuple(dict.fromkeys([decided.evidence, *supports, *said]))


def _settled(named: Reading | None, told: Reading | None, choices: Sequence[Reading], part: Part) -> Reading:
    """What name and description say; without them actions to choose from, parts of a list, the author's claim."""
    said = _said(named, told)
    thought = thought_of(part.declared)
    if thought and _may_think(named, said):
        return Reading("Read", f"parameter `{thought}` numbers thoughts", SAYS)
    if said is not None:
        return said
    if choices:
        return _riskiest(choices)
    page = paging_of(part.declared)
    if page:
        return Reading("Read", f"parameter `{page}` says which part of a list", HINTS)
    if part.claims.get("readOnlyHint") is True:
        return Reading("Read", "annotation `readOnlyHint` is true", HINTS)
    return _NOTHING


def _said(named: Reading | None, told: Reading | None) -> Reading | None:
    return _between(named, told) if named is not None and told is not None else named or told


def _may_think(named: Reading | None, said: Reading | None) -> bool:
    """Whether nothing speaks against a tool for thoughts: a name that acts, anything that deletes or moves money."""
    acts = named is not None and named.category != "Read" and named.weight == SAYS
    return not acts and (said is None or said.category not in ("Destructive", "Financial"))


def _riskiest(readings: Sequence[Reading]) -> Reading:
    """The first of those that are the riskiest."""
    return max(readings, key=lambda each: PRECEDENCE.index(each.category))


def _between(named: Reading, told: Reading) -> Reading:
    """Which of two that differ counts: the weightier; of equal ones the riskier, unless the name plainly asks."""
    if named.category == told.category:
        return named if named.weight >= told.weight else told
    if named.verb.startswith("un") and told.category == "Destructive":
        return named
    if _tells_more(named, told):
        return told
    if named.category == "Destructive" and named.weight >= PROBABLY and told.category != "Financial":
        return named
    if named.weight != told.weight:
        return named if named.weight > told.weight else told
    if named.category == "Read" and named.verb in _ASKS and not _runs(named, told):
        return named
    if told.beside and not named.beside and not (named.category == "Execute" and _says_little(told)):
        return told
    return _riskiest([named, told])


def _says_little(told: Reading) -> bool:
    """Whether a description says too little to calm a name that runs something."""
    return told.category == "Write" or told.beside in _CONDITIONS


def _tells_more(named: Reading, told: Reading) -> bool:
    """Whether the description is about the name itself: what the verb means here, or what else is done."""
    if told.category == "Read" and named.category in ("Write", "Execute"):
        if told.beside in _TEXTS or named.verb in _DOERS:
            return True
        if named.category == "Write" and named.verb not in _CHANGES and told.verb in _TELLS:
            return True
    if told.category == "Write" and told.first and told.first == named.verb:
        return True
    return told.verb == named.verb and bool(told.beside)


def _runs(named: Reading, told: Reading) -> bool:
    """Whether what the name calls a query is said to be run in a language: `Execute a SQL query`."""
    return named.verb == "query" and told.category == "Execute" and told.beside not in _QUERIES


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


def _calmed(decided: Reading, part: Part, lowered: str, lexicon: Lexicon) -> Reading:
    """A query of which the text says that it only reads; of commands and scripts that is not believed."""
    unsure = decided.category == "Write" and decided.weight < PROBABLY
    if not (unsure or decided.category == "Execute") or run_by(part.declared, COMMANDS):
        return decided
    safe = phrase(lowered[:_TOLD_EARLY], "reads", lexicon)
    return Reading("Read", f"description says `{safe}`", PROBABLY) if safe else decided


def _confidence(decided: Reading, named: Reading | None, told: Reading | None) -> Literal["high", "medium", "low"]:
    both = [each for each in (named, told) if each is not None]
    agree = [each for each in both if each.category == decided.category]
    weight = sum(each.weight for each in agree)
    if len(agree) == len(both) == 2 and weight >= SAYS + PROBABLY:
        return "high"
    if len(agree) == len(both) and weight >= SAYS:
        return "medium"
    return "medium" if decided.weight == SAYS and (len(agree) == 1) and len(both) == 2 and weight >= SAYS else "low"
