"""What a tool does and how much harm it could do, told from its definition alone.

Deterministic, without network or model; every answer carries its evidence, quoted from the definition. Name and
description are read apart and weighed; parameters may make a tool riskier. Annotations are claims of the author: they
are believed where they make an unsure answer riskier or where nothing else speaks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from toolgate.classifier.choices import amount_of
from toolgate.classifier.grammar import READ
from toolgate.classifier.lexicon import Lexicon, shipped
from toolgate.classifier.naming import name_words
from toolgate.classifier.parameters import parameters, text_of
from toolgate.classifier.reading import Part, Setting
from toolgate.classifier.siblings import learned, setting_of, within
from toolgate.classifier.signals import Signal, signals
from toolgate.classifier.weighing import Judged, judged
from toolgate.policy.categories import PRECEDENCE, RISK, Category, Risk

Confidence = Literal["high", "medium", "low"]

__all__ = ["PRECEDENCE", "RISK", "Category", "Classification", "Confidence", "Risk", "classify", "classify_all"]


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


def classify(tool: Mapping[str, object], lexicon: Lexicon | None = None) -> Classification:
    """Classify one tool object as `tools/list` gives it; fields of a wrong type count as absent."""
    return _classified([_part(tool)], Setting(), lexicon or shipped())[0]


def classify_all(
    tools: Iterable[Mapping[str, object]], server: str = "", lexicon: Lexicon | None = None
) -> list[Classification]:
    """Classify all tools of one server, in their order; the others and what `server` is called count as context."""
    known = lexicon or shipped()
    parts = [_part(tool) for tool in tools]
    setting = setting_of(server, [part.words for part in parts], known)
    return _classified(parts, setting, known)


def _part(given: object) -> Part:
    tool: Mapping[str, object] = given if isinstance(given, Mapping) else {}
    annotations = tool.get("annotations")
    return Part(
        words=name_words(text_of(tool.get("name"))),
        text=text_of(tool.get("description"))[:READ],
        schema=tool.get("inputSchema"),
        declared=parameters(tool.get("inputSchema")),
        claims=annotations if isinstance(annotations, Mapping) else {},
    )


def _classified(parts: Sequence[Part], setting: Setting, lexicon: Lexicon) -> list[Classification]:
    found = [judged(part, within(setting, part.words, amount_of(part.declared), lexicon), lexicon) for part in parts]
    told = {at: each.category for at, each in enumerate(found) if each.confidence != "low"}
    taught = learned([part.words for part in parts], told) if len(parts) > 1 else {}
    for at, (category, why) in taught.items():
        if found[at].guessed:
            found[at] = Judged(category, "low", (why,), False)
    return [_answer(part, each) for part, each in zip(parts, found, strict=True)]


def _answer(part: Part, found: Judged) -> Classification:
    return Classification(
        found.category,
        RISK[found.category],
        found.confidence,
        found.evidence,
        signals(part.words, part.declared, found.category, part.schema),
    )
