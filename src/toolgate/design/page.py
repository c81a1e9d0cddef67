"""What a function that makes a page answers; how it is sent or written is another's affair."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True, frozen=True)
class Page:
    """A page before it is rendered.

    `data` is all that the twin shows, and each of its keys is a variable of the template. `view` is what only the
    template needs: choices of a form, what was typed, which error belongs to which field; it wins over `data`.
    `done` says what a form achieved before it led here.
    """

    template: str
    title: str
    data: Mapping[str, Any]
    view: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    done: str = ""
