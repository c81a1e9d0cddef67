"""What a tool does and how much harm it could do, told from its definition alone.

Deterministic, without network or model; every answer carries its evidence, quoted from the definition. The words of a
name count by where they stand: `get_refund` reads, `refund_order` does not. Annotations are claims of the author:
they are believed where they make a tool riskier or where nothing else speaks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from toolgate.classifier import lexicon
from toolgate.classifier.parameters import Parameter, parameters, text_of, words_of
from toolgate.classifier.signals import Signal, runs, signals
from toolgate.policy.categories import PRECEDENCE, RISK, Category, Risk

Confidence = Literal["high", "medium", "low"]

__all__ = ["PRECEDENCE", "RISK", "Category", "Classification", "Confidence", "Risk", "classify", "classify_all"]

_VERBS: tuple[tuple[Category, frozenset[str]], ...] = (
    ("Financial", lexicon.FINANCIAL),
    ("Destructive", lexicon.DESTRUCTIVE),
    ("Read", lexicon.READ),
    ("Write", lexicon.WRITE),
    ("Execute", lexicon.EXECUTE),
)
_ASKS = lexicon.words("get list check find search show describe read fetch retrieve view is has count lookup")
_PLAIN = frozenset({"get", "list", "search", "find", "fetch"})
_CHOOSERS = lexicon.words("action operation command method mode op")
_OPEN = lexicon.words("manage handle control process perform operate")
_AMOUNTS = frozenset({"amount", "lamports", "price", "currency"})
_SHOWN = 80


@dataclass(slots=True, frozen=True)
class Classification:
    """`evidence` quotes the definition, the deciding piece first; `signals` say why to look closer."""

    category: Category
    risk: Risk
    confidence: Confidence
    evidence: tuple[str, ...]
    signals: tuple[Signal, ...]

    def facts(self) -> dict[str, object]:
        """The same as JSON has it, signals as their texts."""
        return {
            "category": self.category,
            "risk": self.risk,
            "confidence": self.confidence,
            "evidence": list(self.evidence),
            "signals": [signal.text for signal in self.signals],
        }


@dataclass(slots=True, frozen=True)
class _Found:
    category: Category
    evidence: str
    sure: bool = True


def classify(tool: Mapping[str, object]) -> Classification:
    """Classify one tool object as `tools/list` gives it; fields of a wrong type count as absent."""
    words = words_of(text_of(tool.get("name")))
    text = text_of(tool.get("description"))
    declared = parameters(tool.get("inputSchema"))
    annotations = tool.get("annotations")
    claims = annotations if isinstance(annotations, Mapping) else {}
    named, told = _by_name(words, declared, text), _by_description(text)
    first = _settled(named, told, claims)
    found = [first, *_raised(first, words, text, declared, claims)]
    decided = max(found, key=lambda each: PRECEDENCE.index(each.category))
    supports = [each for each in (named, told) if each and each.category == decided.category]
    evidence = [decided.evidence, *(each.evidence for each in supports)]
    evidence += [
        f"annotation `{key}` is {str(claims[key]).lower()}" for key in _CLAIMS if type(claims.get(key)) is bool
    ]
    return Classification(
        decided.category,
        RISK[decided.category],
        _confidence(decided, len(supports), claims),
        tuple(dict.fromkeys(evidence)),
        signals(words, declared, reads=decided.category == "Read"),
    )


def classify_all(tools: Iterable[Mapping[str, object]], server: str = "") -> list[Classification]:
    """Classify all tools of one server, in their order; what `server` is called counts as context."""
    return [classify(tool) for tool in tools]


_CLAIMS = ("readOnlyHint", "destructiveHint")


def _settled(named: _Found | None, told: _Found | None, claims: Mapping[object, object]) -> _Found:
    """The name speaks first, then the description, then the author's claim; where nothing speaks, expect anything."""
    if named is not None and (named.sure or told is None):
        return named
    if told is not None:
        return told
    if claims.get("readOnlyHint") is True:
        return _Found("Read", "annotation `readOnlyHint` is true", sure=False)
    return _Found("Execute", "nothing in the definition says what it does", sure=False)


def _confidence(decided: _Found, supports: int, claims: Mapping[object, object]) -> Confidence:
    reads = claims.get("readOnlyHint")
    contradicted = type(reads) is bool and reads != (decided.category == "Read")
    if not decided.sure or not supports:
        return "low" if contradicted or not supports else "medium"
    return "high" if supports > 1 and not contradicted else "medium"


def _by_name(words: Sequence[str], declared: Sequence[Parameter], text: str) -> _Found | None:
    ideogram = next((sign for sign in lexicon.IDEOGRAMS if any(sign in word for word in words)), None)
    if ideogram is not None:
        return _Found(_category(lexicon.IDEOGRAMS[ideogram]), f"name part `{ideogram}`")
    place = _verb_place(words)
    if place is None:
        if words and words[-1] in lexicon.ANSWERS:
            return _Found("Read", f"name ends with `{words[-1]}`", sure=False)
        return None
    verb = words[place]
    category = _of_word(verb)
    assert category is not None
    if verb in lexicon.NOUNS_TOO and category != "Read" and words[-1] in lexicon.ANSWERS:
        return _Found("Read", f"name ends with `{words[-1]}`")
    sure = verb not in lexicon.NOUNS_TOO or len(words) == 1
    if category == "Financial" and place < len(words) - 1 and words[-1] in lexicon.NEUTRAL:
        return _Found("Write", f"name ends with `{words[-1]}`", sure)
    moved = _money_moved(category, words, place, declared, text)
    if moved:
        return _Found("Financial", f"name part `{verb}` with {moved}", sure)
    return _Found(category, f"name part `{verb}`", sure)


def _category(word: str) -> Category:
    return next(category for category in PRECEDENCE if category == word)


def _verb_place(words: Sequence[str]) -> int | None:
    """Which word is the verb: names begin or end with it, or have it behind the name of a product."""
    verbs = [place for place, word in enumerate(words) if _of_word(word)]
    strong = [place for place in verbs if words[place] not in lexicon.NOUNS_TOO]
    if not strong:
        return verbs[0] if verbs else None
    first, last = strong[0], strong[-1]
    if last == len(words) - 1 and last > 0:
        if words[last] in lexicon.DESTRUCTIVE and words[0] not in _ASKS - {"list"}:
            return last
        if words[first] not in _ASKS and _of_word(words[last]) != "Read":
            return last
    # `close_list_activities`: what stands before a plain question is the name of something.
    if first + 1 < len(words) and words[first + 1] in _PLAIN and words[first] not in _ASKS:
        return first + 1
    return first


def _of_word(word: str) -> Category | None:
    return next((category for category, known in _VERBS if word in known), "Write" if word == "transfer" else None)


def _money_moved(category: Category, words: Sequence[str], place: int, declared: Sequence[Parameter], text: str) -> str:
    """What makes a verb that moves things move money, quoted; "" where nothing does.

    Not where the name only handles a description of money.
    """
    verb, rest = words[place], [word for at, word in enumerate(words) if at != place]
    if category in ("Read", "Destructive", "Financial") or (rest and rest[-1] in lexicon.NEUTRAL):
        return ""
    about = next((word for word in reversed(rest) if word in lexicon.MONEY), "")
    surely = next((word for word in rest if word in lexicon.SURELY_MONEY), "")
    if surely and verb not in ("update", "edit", "add", "list"):
        return f"`{surely}`"
    moving = verb in lexicon.MOVING
    if (moving or verb == "transfer") and about and about not in ("token", "tokens", "transaction", "credit"):
        return f"`{about}`"
    amount = next((each for each in declared if _AMOUNTS.intersection(each.words)), None)
    if amount is not None and (verb in ("send", "transfer") or (about and moving)):
        return f"parameter `{amount.path}`"
    traded = next((word for word in rest if word in lexicon.TRADED), "")
    if moving and traded and (amount is not None or verb == "place"):
        return f"`{traded}`"
    return "`fund` in its description" if verb == "transfer" and "fund" in text.lower() else ""


def _by_description(text: str) -> _Found | None:
    """The verb that the first sentence begins with."""
    found = re.match(r"[\s\W]*([^\W\d_]+)", text)
    if found is None:
        return None
    word = found.group(1).lower()
    for form in _stems(word):
        category = _of_word(form)
        if category is not None and word not in lexicon.NOUNS_TOO - lexicon.READ:
            return _Found(category, f"description begins with `{found.group(1)}`", sure=False)
    return None


def _stems(word: str) -> list[str]:
    """The word and what it may come from: `deletes`, `searches`, `queries`, `creating`, `removed`."""
    forms = [word]
    for ending, instead in (("ies", "y"), ("es", ""), ("s", ""), ("ing", ""), ("ing", "e"), ("ed", ""), ("d", "")):
        if word.endswith(ending) and len(word) > len(ending) + 2:
            forms.append(word[: -len(ending)] + instead)
    return forms


def _raised(
    first: _Found, words: Sequence[str], text: str, declared: Sequence[Parameter], claims: Mapping[object, object]
) -> list[_Found]:
    """What makes a tool riskier than its first word says."""
    found = _by_choices(declared)
    if claims.get("destructiveHint") is True and claims.get("readOnlyHint") is not True and not first.sure:
        found.append(_Found("Destructive", "annotation `destructiveHint` is true", sure=False))
    if first.category == "Read":
        ran = next((each for each in declared if runs(each)), None)
        if ran is not None and not {"search", "find", "explain", "validate", "check"}.intersection(words):
            found.append(_Found("Execute", f"parameter `{ran.path}` is run", sure=False))
        return found
    lowered = text.lower()
    if first.category != "Execute" or _OPEN.intersection(words):
        found += [
            _Found("Destructive", f"description says `{_around(text, phrase)}`")
            for phrase in lexicon.PERMANENT
            if phrase in lowered
        ]
    found += [
        _Found("Financial", f"description says `{_around(text, phrase)}`")
        for phrase in lexicon.SPENDS
        if phrase in lowered
    ]
    if _OPEN.intersection(words):
        opening = re.split(r"[.\n]", lowered, maxsplit=1)[0]
        named = next((word for word in re.findall(r"[a-z]+", opening) if word in lexicon.DESTRUCTIVE), None)
        if named:
            found.append(_Found("Destructive", f"description says `{named}`"))
    return found


def _around(text: str, phrase: str) -> str:
    at = text.lower().index(phrase)
    start = text.rfind(" ", 0, max(0, at - 20)) + 1
    return text[start : start + _SHOWN].strip()


def _by_choices(declared: Sequence[Parameter]) -> list[_Found]:
    """A tool that takes what to do as an argument does all of it."""
    return [
        _Found(category, f"parameter `{each.path}` may be `{choice}`")
        for each in declared
        if _CHOOSERS.intersection(each.words)
        for choice in each.choices
        if isinstance(choice, str) and (category := _of_choice(choice)) in ("Destructive", "Financial")
    ]


def _of_choice(choice: str) -> Category | None:
    words = words_of(choice)
    place = _verb_place(words)
    return None if place is None else _of_word(words[place])
