"""What a description says: the verb of its first sentence and what it is done to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from toolgate.classifier.lexicon import Lexicon, Verb
from toolgate.classifier.meaning import Meant, meaning
from toolgate.classifier.naming import TOWARDS
from toolgate.classifier.parameters import word_set
from toolgate.classifier.phrases import SHOWN
from toolgate.classifier.reading import HINTS, PROBABLY, SAYS, Reading, Setting
from toolgate.classifier.sentences import sentences, unframed
from toolgate.classifier.verbless import stem_category
from toolgate.policy.categories import PRECEDENCE, Category

READ = 4_000
"""Characters of a description that count: what stands behind them is documentation."""
_TOKEN = re.compile(r"[^\W\d_][^\W_]*(?:[-'’][^\W_]+)*|[,/&;(|:+]|\d\w*")
_STOPS = word_set(
    "of for from with to based using in on by at as into via through that which when where if including without so "
    "such per within under between about until unless while after before during ( : ;"
)
_LITTLE = word_set("a an the all any this your new one multiple its their my some each every specific existing given")
_LINKS = word_set(", / & | and or + and/or then")
_INTRODUCED = word_set("to for can will that which and by of")
_MAY_DO_MORE: dict[Category, tuple[Category, ...]] = {"Read": PRECEDENCE, "Write": ("Destructive",)}
"""What a second clause counts for: a tool that writes may delete besides."""
_IMPROVING = word_set("optimize optimise improve refine enhance polish expand transform")
_USING = word_set("use utilize utilise leverage employ")
_PLUGINS = word_set("plugin plugins module analyzer analyser scanner linter profiler")
_DOERS = word_set("agent agents app application server")
"""What something is says less than what it is for: `agent for market analysis`."""
_FURTHER = re.compile(
    r"\b(?:and|then)\s+(?:then\s+|also\s+|optionally\s+|automatically\s+)?([a-z]+)\s+(?:it|them|the|a|an|all|to|as|its|your|any|this|those)\b"
)


def by_description(text: str, setting: Setting, lexicon: Lexicon) -> Reading | None:
    """What the first sentence says that says anything, of the first five; later ones count less."""
    unsure: Reading | None = None
    for count, sentence in enumerate(sentences(text)):
        reading = _of_sentence(sentence, setting, lexicon)
        if reading is None:
            continue
        if count == 0 or reading.weight == SAYS:
            return reading if count < 2 else reading._replace(weight=PROBABLY)
        unsure = unsure or reading._replace(weight=HINTS)
    return unsure


def _of_sentence(sentence: str, setting: Setting, lexicon: Lexicon) -> Reading | None:
    bare = unframed(sentence)
    tokens = [token.lower() for token in _TOKEN.findall(bare[:400])]
    if not tokens:
        return None
    verb = lexicon.forms.get(tokens[0])
    first = tokens[0] if verb is None else verb.word
    together = lexicon.pairs.get((first, tokens[1])) if len(tokens) > 1 else None
    if together is not None:
        alone = Reading(together, f"description begins with `{tokens[0]} {tokens[1]}`", SAYS, first, tokens[1])
        return _besides(bare, alone, setting, lexicon)
    if verb is not None and _is_verb(verb, tokens, framed=len(bare) < len(sentence)):
        return _by_verb(verb, tokens, bare, setting, lexicon)
    if not bare.isascii():
        sign = _by_signs(bare, lexicon)
        if sign is not None:
            return sign
    return _by_noun(tokens, setting, lexicon)


def _is_verb(verb: Verb, tokens: Sequence[str], *, framed: bool) -> bool:
    if verb.kind != "noun" or framed:
        return len(tokens) < 2 or tokens[1] not in (":", ";")
    following = tokens[1] if len(tokens) > 1 else ""
    return following not in _STOPS - {"to", "in", "on", "for", "with"} and following not in (
        "is",
        "are",
        "was",
        "has",
        "ids",
        "id",
    )


def _done_to(verb: Verb, tokens: Sequence[str]) -> Sequence[str]:
    """What the first verb is done to: `Attach to a process`, but not `Request to have it`."""
    towards = len(tokens) > 1 and tokens[1] in TOWARDS and verb.kind != "light"
    return _objects(tokens, 2 if towards else 1)


def _by_verb(verb: Verb, tokens: Sequence[str], bare: str, setting: Setting, lexicon: Lexicon) -> Reading:
    purpose = _introduced(tokens, setting, lexicon) if verb.word in _USING else None
    if purpose is not None:
        return purpose
    listed = list(_listed(tokens, lexicon))
    which, decided = max(
        _meanings(verb, listed, tokens, bare, setting, lexicon), key=lambda pair: PRECEDENCE.index(pair[1].category)
    )
    asked = _asked_for(decided, verb, tokens, lexicon)
    if asked:
        return Reading("Read", f"description says `to {asked}`", PROBABLY, verb.word, asked)
    if verb.kind == "light" and not decided.beside:
        which = next((lexicon.verbs[token] for token in tokens[1:8] if token in lexicon.alone["open.Write"]), which)
    # A verb that says little and has no object that says more is only a hint.
    little = which.kind in ("light", "open", "money") and not decided.beside
    weight = PROBABLY if little or verb.kind == "noun" else SAYS
    first = verb.word if any(which is other for _, other in listed) else ""
    quoted = f"says `{_quoted(bare, which.word)}`" if which is not verb else f"begins with `{_first(bare)}`"
    return Reading(decided.category, f"description {quoted}", weight, which.word, decided.beside, first)


def _meanings(
    verb: Verb, listed: Sequence[tuple[int, Verb]], tokens: Sequence[str], bare: str, setting: Setting, lexicon: Lexicon
) -> list[tuple[Verb, Meant]]:
    """What the first verb of a sentence means, those listed with it, and what the sentence says besides."""
    meant = [(verb, meaning(verb, _done_to(verb, tokens), setting, lexicon))]
    meant += [(other, meaning(other, _objects(tokens, at + 1), setting, lexicon)) for at, other in listed]
    meant += _further(meant[0][1].category, bare, setting, lexicon)
    if verb.word in _IMPROVING and "existing" in tokens[1:4]:
        meant.append((verb, Meant("Write", "existing")))
    return meant


def _first(said: str) -> str:
    found = _TOKEN.match(said)
    return found.group() if found else said[:20]


def _quoted(text: str, word: str) -> str:
    at = max(0, text.lower().find(word[:-1] or word))
    begin = text.rfind(" ", 0, max(0, at - 24)) + 1
    return " ".join(text[begin : begin + SHOWN].split())


def _objects(tokens: Sequence[str], start: int) -> Sequence[str]:
    found = []
    for token in tokens[start : start + 14]:
        if token in _STOPS:
            break
        if token not in _LITTLE and token not in _LINKS:
            found.append(token)
    return found


def _listed(tokens: Sequence[str], lexicon: Lexicon) -> Iterator[tuple[int, Verb]]:
    """The verbs that stand with the first one: `Create, update or delete a page`."""
    at = 1
    while at < min(len(tokens) - 1, 16) and tokens[at] in _LINKS:
        while at < len(tokens) - 1 and tokens[at] in _LINKS:
            at += 1
        verb = lexicon.forms.get(tokens[at])
        if verb is None:
            return
        yield at, verb
        at += 1


def _besides(bare: str, alone: Reading, setting: Setting, lexicon: Lexicon) -> Reading:
    """What the sentence says first, or the riskier that it says besides."""
    more = [
        Reading(meant.category, f"description says `{_quoted(bare, verb.word)}`", SAYS, verb.word, meant.beside)
        for verb, meant in _further(alone.category, bare, setting, lexicon)
    ]
    return max((alone, *more), key=lambda each: PRECEDENCE.index(each.category))


def _further(first: Category, bare: str, setting: Setting, lexicon: Lexicon) -> Iterator[tuple[Verb, Meant]]:
    """What a sentence does besides, where what it does `first` leaves room: `Check the items and mark the list`."""
    counts = _MAY_DO_MORE.get(first, ())
    for match in _FURTHER.finditer(bare[:300].lower()) if counts else ():
        verb = lexicon.forms.get(match.group(1))
        if verb is not None and verb.kind == "plain":
            objects = _objects(_TOKEN.findall(bare[match.end(1) :].lower()[:SHOWN]), 0)
            meant = meaning(verb, objects, setting, lexicon)
            if meant.category in counts:
                yield verb, meant


def _asked_for(decided: Meant, verb: Verb, tokens: Sequence[str], lexicon: Lexicon) -> str:
    """What a part of the server itself is run for, where that only asks: `Run the PsList plugin to list processes`."""
    if verb.kind != "light" or decided != Meant("Execute") or _PLUGINS.isdisjoint(_done_to(verb, tokens)):
        return ""
    for at, token in enumerate(tokens[:14]):
        purpose = lexicon.forms.get(token)
        if at and tokens[at - 1] == "to" and purpose is not None and purpose.kind != "noun":
            return token if purpose == Verb(purpose.word, "Read", "plain") else ""
    return ""


def _by_signs(bare: str, lexicon: Lexicon) -> Reading | None:
    """Other scripts: the verb stands first in Chinese, last in Japanese and Korean; stems begin words elsewhere."""
    short = bare[:120]
    found = [(at, sign, category) for sign, category in lexicon.signs if (at := short.find(sign)) >= 0]
    if found:
        last = any("\u3040" <= letter <= "\u30ff" or "\uac00" <= letter <= "\ud7af" for letter in short)
        _, sign, category = max(found) if last else min(found, key=lambda each: (each[0], -len(each[1])))
        return Reading(category, f"description says `{sign}`", PROBABLY, sign)
    return None


def _introduced(tokens: Sequence[str], setting: Setting, lexicon: Lexicon) -> Reading | None:
    """A verb behind the head of the sentence: `A way to delete pages`, `Uses a model to write texts`."""
    for at, token in enumerate(tokens[:24]):
        verb = lexicon.forms.get(token)
        if at and verb is not None and verb.kind != "noun" and tokens[at - 1] in _INTRODUCED:
            meant = meaning(verb, _objects(tokens, at + 1), setting, lexicon)
            return Reading(meant.category, f"description says `{token}`", PROBABLY, verb.word)
    return None


def _by_noun(tokens: Sequence[str], setting: Setting, lexicon: Lexicon) -> Reading | None:
    """A sentence without a verb at its head: a later verb, a noun for doing, or a noun for what is told."""
    introduced = _introduced(tokens, setting, lexicon)
    if introduced is not None:
        return introduced
    end = next((at for at, token in enumerate(tokens) if token in _STOPS), len(tokens))
    head = next((token for token in reversed(tokens[:end]) if token in lexicon.acts and token not in _DOERS), "")
    acts = [token for token in tokens[:14] if token in lexicon.acts]
    said = head or next((token for token in acts if token not in _DOERS), acts[0] if acts else "")
    if said:
        return Reading(lexicon.acts[said], f"description says `{said}`", HINTS)
    for token in tokens[:14]:
        category = stem_category(token, lexicon) if len(token) > 2 else None
        if category is not None:
            return Reading(category, f"description says `{token}`", PROBABLY)
    told = next((token for token in tokens[:14] if lexicon.has("objects.answers", token)), "")
    return Reading("Read", f"description says `{told}`", HINTS) if told else None
