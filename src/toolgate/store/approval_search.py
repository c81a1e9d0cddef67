"""What to look for among the approvals, as a condition of SQL."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final, Literal

State = Literal["pending", "approved", "denied", "used", "expired", "void"]
"""`approved` is a permit for one identical call; `used` when that was sent; `void` when the rules changed under it, or
its grant or server was stopped."""

_BY_CLOCK: Final[dict[str, str]] = {
    "pending": "state = 'pending' AND expires > ?",
    "approved": "state = 'approved' AND expires > ?",
    "expired": "+state IN ('pending', 'approved') AND expires <= ?",
}
"""States that the clock ends: what is stored does not change then.

Few are pending or approved, so those are found by their index. For the others, and for several, the plus keeps SQLite
from it: they are many, and read in the order of their creation until there are enough.
"""

LOCAL: Final = "run"
"""What stands for the organisation in approvals of `toolgate run`, which knows none: they are the operator's to see."""

Part = tuple[str, tuple[object, ...]]


@dataclass(slots=True, frozen=True)
class Search:
    """Of these organisations, in one of `states` (any, when none is named), for one of `servers` (None: every one).

    `grant_id` and `tool` are exact, "" for any. `before`: the (created, id) that the found ones are older than.
    """

    organisations: Collection[str]
    states: Collection[str] = ()
    servers: Collection[str] | None = None
    grant_id: str = ""
    tool: str = ""
    before: tuple[float, str] | None = None
    limit: int = 50

    def condition(self, now: float) -> Part:
        """The words after WHERE, and the values of their question marks."""
        parts = list(self._parts(now))
        return " AND ".join(words for words, _ in parts), tuple(value for _, values in parts for value in values)

    def _parts(self, now: float) -> Iterator[Part]:
        yield f"organisation IN ({_marks(self.organisations)})", tuple(self.organisations)
        if self.states:
            wanted = [_of_state(state, now) for state in self.states]
            words = " OR ".join(words for words, _ in wanted)
            several = words.replace("state", "+state").replace("++", "+") if len(wanted) > 1 else words
            yield f"({several})", tuple(value for _, (value,) in wanted)
        if self.servers is not None:
            yield f"server_id IN ({_marks(self.servers)})", tuple(self.servers)
        if self.grant_id:
            yield "grant_id = ?", (self.grant_id,)
        if self.tool:
            yield "(tool = ? OR (tool = '' AND method = ?))", (self.tool, self.tool)
        if self.before is not None:
            yield "(created, id) < (?, ?)", self.before


def _marks(values: Collection[str]) -> str:
    return ", ".join("?" * len(values))


def _of_state(state: str, now: float) -> Part:
    known = _BY_CLOCK.get(state)
    return (f"({known})", (now,)) if known is not None else ("+state = ?", (state,))
