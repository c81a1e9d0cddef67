"""What all pages of the catalogue have in common: where they live, their own addresses, a sentence about them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from toolgate.design.page import Page
from toolgate.site.surroundings import Surroundings


def catalogue_page(
    here: Surroundings,
    name: str,
    title: str,
    parts: tuple[str, ...],
    data: Mapping[str, Any],
    summary: str = "",
    number: int = 1,
    **view: Any,
) -> Page:
    """A page at the path of these parts, or page `number` of a list there; `summary` is what search engines show."""
    surrounding = {
        "here": here,
        "address": here.page(number, *parts),
        "twin": here.page_twin(number, *parts),
        "summary": summary,
        "section": parts[0] if parts else "",
    }
    return Page(f"catalogue/{name}.html", title, data, {**view, **surrounding})
