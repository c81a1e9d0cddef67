"""What a tool does, in one of five words, and how much harm that can do: what `tool.category` and `tool.risk` hold."""

from __future__ import annotations

from typing import Literal

Category = Literal["Read", "Write", "Execute", "Destructive", "Financial"]
Risk = Literal["Low", "Medium", "High", "Critical"]

RISK: dict[Category, Risk] = {
    "Read": "Low",
    "Write": "Medium",
    "Execute": "High",
    "Destructive": "Critical",
    "Financial": "Critical",
}
PRECEDENCE: tuple[Category, ...] = ("Read", "Write", "Execute", "Destructive", "Financial")
"""Of several that fit the last counts."""


def category_of(text: object) -> Category | None:
    """The category that a text names, exactly as it is written; None where it names none."""
    return next((category for category in PRECEDENCE if category == text), None)


def risk_of(category: Category | None) -> Risk | None:
    """The risk of a category; None where there is none."""
    return None if category is None else RISK[category]


def riskier(one: Category | None, other: Category | None) -> Category | None:
    """Of two categories the one that takes precedence; None, which nobody has judged, gives way to either."""
    return max((one, other), key=lambda each: -1 if each is None else PRECEDENCE.index(each))
