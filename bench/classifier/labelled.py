"""Accuracy on tools that people labelled after reading: in all, by category, and by how sure the answer was."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from bench.classifier.agreement import rate

from toolgate.classifier.classify import Classification
from toolgate.policy.categories import PRECEDENCE


class Accuracy(NamedTuple):
    """`pairs` counts (label, answer), `sure` counts (confidence, right)."""

    pairs: Counter[tuple[str, str]]
    sure: Counter[tuple[str, bool]]
    wrong: list[str]

    @property
    def right(self) -> int:
        return sum(count for (label, said), count in self.pairs.items() if label == said)


def accuracy(answers: Mapping[tuple[str, str], Classification], labels: Mapping[tuple[str, str], str]) -> Accuracy:
    """Compare the answers with the labels of those that there are answers for."""
    found = Accuracy(Counter(), Counter(), [])
    for key, label in labels.items():
        answer = answers.get(key)
        if answer is None:
            continue
        found.pairs[label, answer.category] += 1
        found.sure[answer.confidence, label == answer.category] += 1
        if label != answer.category:
            found.wrong.append(f"{'/'.join(key)}: {answer.category}, labelled {label}")
    return found


def confusion(found: Accuracy) -> list[tuple[str, ...]]:
    """A row for each label: how often which answer came, and the share that was right."""
    rows: list[tuple[str, ...]] = []
    for label in PRECEDENCE:
        counts = [found.pairs[label, said] for said in PRECEDENCE]
        rows.append((label, *map(str, counts), rate(found.pairs[label, label], sum(counts))))
    return rows


def by_confidence(found: Accuracy) -> list[tuple[str, ...]]:
    """A row for each confidence: how many answers, and the share that was right."""
    rows: list[tuple[str, ...]] = []
    for level in ("high", "medium", "low"):
        right, wrong = found.sure[level, True], found.sure[level, False]
        rows.append((level, str(right + wrong), rate(right, right + wrong)))
    return rows
