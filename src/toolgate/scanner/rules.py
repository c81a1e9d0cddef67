"""What a scan finds, by stable ids: how bad it is, what it means, what to do about it. The texts are `rules.toml`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib.resources import files
from typing import Final, Literal, TypeAlias

from toolgate.classifier.hazards.items import ItemKind

Level: TypeAlias = Literal["none", "low", "medium", "high", "critical"]
LEVELS: Final[tuple[Level, ...]] = ("none", "low", "medium", "high", "critical")
"""From a remark to what nobody should let an agent read."""


About: TypeAlias = Literal["tool", "server", "ignore list"] | ItemKind


@dataclass(slots=True, frozen=True)
class Rule:
    """One kind of finding. `by_quote`: another text at the same place is another finding.

    `about` is what it can be about: for other things the rule has no meaning, or would be wrong too often.
    """

    id: str
    level: Level
    title: str
    means: str
    example: str
    mend: str
    by_quote: bool = False
    about: tuple[About, ...] = ("tool",)


RULES: Final = {
    id_: Rule(id_, **{**texts, "about": tuple(texts.get("about", ("tool",)))})
    for id_, texts in tomllib.loads((files("toolgate.scanner") / "rules.toml").read_text("utf-8")).items()
}


def at_least(level: Level, threshold: Level) -> bool:
    """Whether a level counts where `threshold` is asked for; nothing does for `none`, the wish never to fail."""
    return threshold != "none" and LEVELS.index(level) >= LEVELS.index(threshold)
