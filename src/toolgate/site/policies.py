"""The policies of a page: by the rule of each category, and with the safeguards that arguments ask for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from toolgate.catalogue.entries import ToolEntry
from toolgate.classifier.classify import Classification
from toolgate.classifier.recommend import recommend_entries, written
from toolgate.classifier.tightened import Tightened, tighten, tighten_entries


@dataclass(slots=True, frozen=True)
class Policies:
    """Both documents. `tightened` is None where there is nothing to add to the plain one."""

    plain: Mapping[str, Any]
    tightened: Tightened | None

    @property
    def text(self) -> str:
        """The plain one for people."""
        return written(self.plain)

    def facts(self) -> dict[str, Any]:
        """Both as JSON has them."""
        tightened = self.tightened
        return {
            "recommended_policy": self.plain,
            "tightened_policy": tightened and tightened.document,
            "fill_ins": [] if tightened is None else [each.facts() for each in tightened.fill_ins],
        }


def policies(tools: Sequence[ToolEntry], server: str) -> Policies:
    """For tools of one server, named so. Their definitions say more than facts, where there is one of each."""
    plain = recommend_entries(tools)
    definitions = [tool.definition for tool in tools if tool.definition is not None]
    if len(definitions) == len(tools):
        tightened = tighten(definitions, server, [_judged(tool) for tool in tools])
    else:
        tightened = tighten_entries(tools, server)
    return Policies(plain, tightened if tightened.document != plain else None)


def _judged(tool: ToolEntry) -> Classification:
    return Classification(tool.category, tool.risk, tool.confidence, tool.evidence, tool.signals)
