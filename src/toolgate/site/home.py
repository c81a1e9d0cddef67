"""The first page of the catalogue: what the product is, how much there is to see, and the ways in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from toolgate.attacks.case import Case
from toolgate.catalogue.entries import Counts
from toolgate.design.page import Page
from toolgate.site.attacks import attack_counts
from toolgate.site.making import catalogue_page
from toolgate.site.surroundings import Surroundings
from toolgate.site.told import CATEGORIES, RISKS, SIGNALS, signal_name
from toolgate.site.verdicts import LIMITS, VERDICTS


def home_page(here: Surroundings, counts: Counts, cases: Sequence[Case]) -> Page:
    """The page; `counts` are those of this very moment."""
    signals = sorted(counts.by_signal, key=lambda id_: -counts.by_signal[id_])
    data: dict[str, Any] = {
        "servers": counts.servers,
        "tools": counts.tools,
        "risks": [
            {"risk": risk, "tools": counts.by_risk[risk], "means": RISKS[risk], "href": here.at("risk", risk.lower())}
            for risk in RISKS
        ],
        "categories": [
            {
                "category": category,
                "tools": counts.by_category[category],
                "means": told.means,
                "rule": told.rule,
                "href": here.at("category", category.lower()),
            }
            for category, told in CATEGORIES.items()
        ],
        "signals": [
            {"id": id_, "name": signal_name(id_), "tools": counts.by_signal[id_], "href": here.at("signals", id_)}
            for id_ in signals
            if id_ in SIGNALS or id_.isidentifier()
        ],
        "attacks": attack_counts(here, cases),
    }
    about = (
        f"What {counts.tools} tools of {counts.servers} MCP servers can do, how risky they are, and a policy for each."
    )
    return catalogue_page(
        here, "home", "Know the tools before your agent does", (), data, about, verdicts=VERDICTS, limits=LIMITS
    )
