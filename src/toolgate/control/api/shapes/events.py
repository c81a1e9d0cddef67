"""Admin events."""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict

from toolgate.control.api.shapes.words import Shown


class AdminEvent(Shown):
    """A change that somebody made."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": 812,
                    "time": "2026-11-22T19:30:00Z",
                    "actor": "ada@example.com",
                    "action": "put",
                    "kind": "policy",
                    "target": "0b0a4f5e-8a6e-4c1b-9a41-1c2d3e4f5a6b",
                    "before": {"revision": 2},
                    "after": {"name": "careful", "revision": 3},
                }
            ]
        }
    )

    id: int
    """Newer events have greater ones."""
    time: str
    """When."""
    actor: str
    """Who: an e-mail, `token:NAME`, `link:WEBHOOK`, `cli:USER`, or a part of Toolgate itself."""
    action: str
    """What was done."""
    kind: str
    """To what kind of thing."""
    target: str
    """The id of that."""
    before: dict[str, Any] | None
    """How it was; never a secret."""
    after: dict[str, Any] | None
    """How it is; never a secret."""
