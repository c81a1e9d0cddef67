"""What one part of a definition says of a tool, and how surely."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from toolgate.classifier.parameters import Parameter
from toolgate.policy.categories import Category

SAYS, PROBABLY, HINTS = 3, 2, 1


class Reading(NamedTuple):
    """`evidence` quotes what was read; `weight` is one of SAYS, PROBABLY and HINTS; `verb`, the word `beside` it that
    decided, and the `first` of the verbs listed together whose later one decided may be ""."""

    category: Category
    evidence: str
    weight: int
    verb: str = ""
    beside: str = ""
    first: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """A definition taken apart."""

    words: Sequence[str]
    text: str
    schema: object
    declared: Sequence[Parameter]
    claims: Mapping[object, object]


class Setting(NamedTuple):
    """What surrounds a tool: whether its server moves money, works a screen or a shell; its amount's parameter."""

    money: bool = False
    screen: bool = False
    shell: bool = False
    amount: str = ""
    prefix: tuple[str, ...] = ()
