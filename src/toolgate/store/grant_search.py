"""What to look for among the grants."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from toolgate.store.database import AnyRow


@dataclass(slots=True, frozen=True)
class Sought:
    """Of one server, under one policy (names or ids), in one state: what is None or "" does not restrict.

    `text` stands, in any case of letters, in a grant's label or id, or in the name of its server or policy; with
    `holders` also in who holds it or in its labels (as `key=value`).
    """

    server: str | None = None
    policy: str | None = None
    state: str = ""
    text: str = ""
    holders: bool = False

    def fits(self, row: AnyRow) -> bool:
        """Whether a grant's row holds the text."""
        sought = self.text.lower()
        return not sought or any(sought in text.lower() for text in self._texts(row))

    def _texts(self, row: AnyRow) -> Iterator[str]:
        yield from (row.label, row.server, row.policy or "", row.id)
        if self.holders:
            yield row.principal
            yield from (f"{key}={value}" for key, value in json.loads(row.labels).items())
