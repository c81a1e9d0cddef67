"""Where one agent reaches one server."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from toolgate.attacks.raw import Said, request, say


@dataclass(slots=True, frozen=True)
class Door:
    """A URL, and what an agent shows there. `grant_id` is "" where there is no gateway."""

    url: str
    headers: dict[str, str]
    grant_id: str = ""
    server_id: str = ""

    async def send(self, body: bytes, verb: str = "POST", fields: Sequence[str] = (), tail: str = "") -> Said:
        """One request as no client would send it; `tail` follows the path.

        `fields` are whole lines (`Name: value`), which take the place of the usual ones and of what the agent shows.
        """
        named = {line.partition(":")[0].lower() for line in fields}
        shown = [f"{name}: {value}" for name, value in self.headers.items() if name.lower() not in named]
        return await say(self.url, request(self.url, verb, [*fields, *shown], body, tail))
