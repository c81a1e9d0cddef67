"""`/policies/<server>`: one server, its tools by risk, what they cost a model to read, and its whole policy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from toolgate.attacks.abuse import BESIDE
from toolgate.attacks.case import Case
from toolgate.catalogue.entries import ServerEntry, ToolEntry
from toolgate.design.page import Page
from toolgate.site.addressed import origin_of, origins, riskiest_first, risks_of, server_row, tool_row
from toolgate.site.attack_links import attack_links
from toolgate.site.making import catalogue_page
from toolgate.site.policies import Policies
from toolgate.site.surroundings import Surroundings
from toolgate.site.verdicts import VERDICTS

PLAIN: Final = "policy.json"
TIGHTENED: Final = "tightened.json"
"""What the files of its policies are called."""


def server_page(
    here: Surroundings,
    server: ServerEntry,
    tools: Sequence[ToolEntry],
    whole: Policies,
    attacks: Sequence[Case] = (),
) -> Page:
    """The page; `whole` are the policies for all of its tools, `attacks` abuse some of them."""
    data = {
        **server_row(here, server),
        "about": server.about,
        "origin": origin_of(server),
        "source": server.source,
        "seen": server.seen,
        "listed": [tool_row(here, tool) for tool in riskiest_first(tools)],
        "attacks": attack_links(here, attacks[:BESIDE]),
        **whole.facts(),
    }
    return catalogue_page(
        here,
        "server",
        f"{server.name}: {server.tools} tools and their policy",
        ("policies", server.slug),
        data,
        f"What the {server.tools} tools of the MCP server {server.name} can do, how risky they are, and their policy.",
        origins=origins(server),
        risks=risks_of(tools),
        verdicts=VERDICTS,
        whole=whole,
        download=here.file(f"policies/{server.slug}/{PLAIN}"),
        download_tightened=here.file(f"policies/{server.slug}/{TIGHTENED}"),
        apply=here.at("apply", server.slug) if here.applies else "",
    )
