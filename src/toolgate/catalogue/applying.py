"""What the catalogue knows of a server, applied to one that is registered: a draft of its policy. Pure.

Rules are made for the tools that the registered server really has. A name alone proves nothing, so the catalogue can
make a tool riskier and never less risky than its own definition says.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from toolgate.catalogue.entries import ToolEntry
from toolgate.classifier.classify import Category, Classification, classify_all
from toolgate.classifier.parameters import parameters, text_of
from toolgate.classifier.recommend import recommend
from toolgate.classifier.tightened import FillIn, Tightened, tighten
from toolgate.policy.categories import RISK, riskier
from toolgate.policy.compiler import compile_policy
from toolgate.policy.document import Document
from toolgate.policy.names import is_pattern, matches

Definition = Mapping[str, object]


@dataclass(slots=True, frozen=True)
class Matched:
    """A tool of the registered server. `known` is its category in the catalogue, None where it is not there.

    `agrees` says that the catalogue knows it with the same parameters; `category` is the riskier of the two.
    """

    name: str
    category: Category
    known: Category | None
    agrees: bool


@dataclass(slots=True, frozen=True)
class Applied:
    """A draft for a registered server. `missing` are tools of the catalogue that it does not have."""

    document: dict[str, Any]
    fill_ins: tuple[FillIn, ...]
    tools: tuple[Matched, ...]
    missing: tuple[str, ...]

    @property
    def extra(self) -> tuple[str, ...]:
        """Tools that the catalogue does not know of this server."""
        return tuple(tool.name for tool in self.tools if tool.known is None)

    @property
    def different(self) -> tuple[str, ...]:
        """Tools that it knows with other parameters."""
        return tuple(tool.name for tool in self.tools if tool.known is not None and not tool.agrees)


def apply_entries(
    entries: Iterable[ToolEntry],
    tools: Iterable[Definition],
    server: str = "",
    classified: Sequence[Classification] | None = None,
    *,
    safeguards: bool = False,
) -> Applied:
    """The draft for a registered server's tool objects. `classified` is how they are judged there, in their order."""
    given, known = list(tools), {entry.name: entry for entry in entries}
    judged = classify_all(given, server) if classified is None else classified
    matched = [_matched(tool, own, known) for tool, own in zip(given, judged, strict=True)]
    settled = [
        replace(own, category=match.category, risk=RISK[match.category])
        for own, match in zip(judged, matched, strict=True)
    ]
    policy = tighten(given, server, settled) if safeguards else Tightened(recommend(given, server, settled), ())
    names = {match.name for match in matched}
    missing = tuple(sorted(name for name in known if name not in names))
    return Applied(policy.document, policy.fill_ins, tuple(matched), missing)


def _matched(tool: Definition, own: Classification, known: Mapping[str, ToolEntry]) -> Matched:
    name = text_of(tool.get("name"))
    entry = known.get(name)
    if entry is None:
        return Matched(name, own.category, None, False)
    declared = {parameter.path for parameter in parameters(tool.get("inputSchema"))}
    category = riskier(own.category, entry.category) or own.category
    return Matched(name, category, entry.category, declared == set(entry.parameters))


def only(draft: Mapping[str, Any], tool: str) -> dict[str, Any]:
    """The draft for one of its tools alone."""
    hide = [name for name in draft.get("hide", ()) if name == tool]
    tools = {name: entry for name, entry in draft["tools"].items() if name == tool}
    kept = {key: value for key, value in draft.items() if key not in ("hide", "tools")}
    return {**kept, **({"hide": hide} if hide else {}), "tools": tools}


def merged(present: Mapping[str, Any], draft: Mapping[str, Any]) -> dict[str, Any]:
    """A policy with the draft's rules in place of its own for the draft's tools; all else stays as it is.

    What one of its patterns hides stays hidden.
    """
    hidden, hiding = list(present.get("hide", ())), list(draft.get("hide", ()))
    patterns = [key for key in hidden if is_pattern(key)]
    rules = {name: entry for name, entry in draft["tools"].items() if not any(matches(key, name) for key in patterns)}
    tools = {name: entry for name, entry in present.get("tools", {}).items() if name not in hiding}
    hide = [name for name in hidden if name not in rules] + [name for name in hiding if name not in hidden]
    kept = {key: value for key, value in present.items() if key not in ("hide", "tools")}
    return {**kept, **({"hide": hide} if hide else {}), "tools": {**tools, **rules}}


def opened(before: Document, after: Document, names: Iterable[str]) -> list[str]:
    """Tools of which every call is denied, or waits for a person, and some would pass then."""
    old, new = compile_policy(before), compile_policy(after)
    return [name for name in names if new.could_call(name) and not old.could_call(name)]
