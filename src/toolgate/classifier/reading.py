"""What one part of a definition says of a tool, and how surely."""

from __future__ import annotations

from typing import NamedTuple

from toolgate.policy.categories import Category

SAYS, PROBABLY, HINTS = 3, 2, 1


class Reading(NamedTuple):
    """`evidence` quotes what was read; `weight` is one of SAYS, PROBABLY and HINTS; `verb` and the word
    `beside` it that decided may be ""."""

    category: Category
    evidence: str
    weight: int
    verb: str = ""
    beside: str = ""


class Setting(NamedTuple):
    """What surrounds a tool: whether its server moves money, works a screen or a shell; its amount's parameter."""

    money: bool = False
    screen: bool = False
    shell: bool = False
    amount: str = ""
    prefix: tuple[str, ...] = ()
