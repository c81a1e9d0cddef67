"""`/tools/<server>/<tool>`: one tool, why it needs a policy, and which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from toolgate.attacks.abuse import BESIDE
from toolgate.attacks.case import Case
from toolgate.catalogue.entries import ServerEntry, ToolEntry
from toolgate.classifier.recommend import is_usable
from toolgate.design.page import Page
from toolgate.site.addressed import origin_of, origins
from toolgate.site.attack_links import attack_links
from toolgate.site.making import catalogue_page
from toolgate.site.policies import Policies, policies
from toolgate.site.questions import questions
from toolgate.site.surroundings import Surroundings
from toolgate.site.told import CATEGORIES, SIGNALS
from toolgate.site.verdicts import VERDICTS

OTHERS: Final = 8
"""How many other tools of the category a page shows."""
_SMALL: Final = 4000
"""Characters of a server's policy that stand on the pages of its tools; longer ones are led to."""


def tool_page(
    here: Surroundings,
    tool: ToolEntry,
    server: ServerEntry,
    whole: str,
    others: Sequence[Mapping[str, str]] = (),
    attacks: Sequence[Case] = (),
) -> Page:
    """The page. `whole` is the policy of its server as text, or "" for a long one.

    `others` (`tool_link`) are tools of its category, `attacks` those that abuse this kind of access, the closest first.
    """
    own = policies([tool], server.name) if is_usable(tool.name) else None
    data = {**tool_facts(here, tool, server, own), "others": list(others)}
    data["attacks"] = attack_links(here, attacks[:BESIDE])
    return catalogue_page(
        here,
        "tool",
        f"{tool.name}: {tool.risk.lower()} risk tool of {tool.server}",
        ("tools", tool.server_slug, tool.slug),
        data,
        f"What {tool.name} of the MCP server {tool.server} does, why it is {tool.risk.lower()} risk, and its policy.",
        told=CATEGORIES[tool.category],
        advice=[(signal, SIGNALS[signal.id].advice if signal.id in SIGNALS else "") for signal in tool.signals],
        own=own,
        origins=origins(server),
        whole=whole if len(whole) <= _SMALL else "",
        only=server.tools == 1,
        verdicts=VERDICTS,
    )


def tool_facts(here: Surroundings, tool: ToolEntry, server: ServerEntry, own: Policies | None) -> dict[str, Any]:
    """All that the catalogue says of a tool. `own` are the policies for it alone, None where none can name it."""
    return {
        "tool": tool.name,
        "server": {
            "name": server.name,
            "title": server.title,
            "tools": server.tools,
            "origin": origin_of(server),
            "href": here.at("policies", server.slug),
        },
        "category": tool.category,
        "risk": tool.risk,
        "confidence": tool.confidence,
        "evidence": list(tool.evidence),
        "signals": [
            {"id": signal.id, "text": signal.text, "parameter": signal.parameter, "href": here.at("signals", signal.id)}
            for signal in tool.signals
        ],
        "parameters": list(tool.parameters),
        "description": tool.description,
        "definition": tool.definition,
        "fingerprint": tool.fingerprint,
        "first_seen": tool.first_seen,
        "last_seen": tool.last_seen,
        **(own.facts() if own else {"recommended_policy": None, "tightened_policy": None, "fill_ins": []}),
        "questions": questions(tool, server) if own else [],
    }
