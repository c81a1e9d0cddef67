"""One finding of a scan: what, where, how bad, and the fingerprint by which the next scan knows it again."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from toolgate.classifier.hazards.hazard import Hazard
from toolgate.scanner.rules import LEVELS, RULES, Level, Rule


@dataclass(slots=True, frozen=True)
class Finding:
    """`tool` is "" where it is about the server, `place` where in the definition ("" for all of it).

    `item` is the label of what it is about beside the tools (`prompt summarize`), "" for a tool or the server itself.
    `detail` says what it is. `quote` is third-party text, as it stands in the definition: escape it.
    """

    rule_id: str
    server: str
    tool: str
    place: str
    detail: str
    quote: str = ""
    item: str = ""

    @property
    def rule(self) -> Rule:
        """The kind of finding."""
        return RULES[self.rule_id]

    @property
    def level(self) -> Level:
        """How bad it is."""
        return self.rule.level

    @property
    def fingerprint(self) -> str:
        """32 hex digits: the same for the same finding in every scan, another where other words were found."""
        matter = self.quote if self.rule.by_quote else ""
        parts = [self.rule_id, self.server, self.tool, self.place, matter]
        text = json.dumps([*parts, self.item] if self.item else parts)
        return sha256(text.encode()).hexdigest()[:32]


def of_hazard(hazard: Hazard, server: str, tool: str = "", item: str = "") -> Finding:
    """A hazard of one definition as a finding."""
    return Finding(hazard.rule, server, tool, hazard.place, hazard.detail, hazard.quote, item)


def worst_first(findings: Iterable[Finding]) -> list[Finding]:
    """By level, then by server, tool and item."""
    return sorted(findings, key=lambda it: (-LEVELS.index(it.level), it.server, it.tool, it.item, it.rule_id, it.place))
