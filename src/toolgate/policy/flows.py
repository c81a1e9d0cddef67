"""Flows: what is denied after what was used, for the rest of a session or for a length of time.

A flow keeps one mark for each session or grant. Calls of `after` set its first part, those of `and_after` its second;
a call of `deny` is refused while all parts are set. The limiter keeps marks as exactly as it keeps sums.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from toolgate.policy.charges import HEADS
from toolgate.policy.decision import NANO, Charge, Mark, Subject
from toolgate.policy.durations import read_duration
from toolgate.policy.names import is_pattern, matches

SESSION = "session"
SESSION_KEPT = 7 * 86_400
"""Seconds after the last such call for which the mark of a session is kept."""
GRANT_KEPT = 86_400
"""The same where the client has no session."""
COUNTER = "flow:"
"""How names of a flow's counter begin."""
_FIRST, _SECOND = NANO, 2 * NANO


@dataclass(slots=True, frozen=True)
class Some:
    """What `after`, `and_after` or `deny` names, sorted by kind."""

    names: tuple[str, ...]
    patterns: tuple[str, ...]
    categories: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        """Whether it names nothing."""
        return self == _NOTHING

    def covers(self, tool: str, category: str) -> bool:
        """Whether the tool is one of them. A `category` that nobody knows ("") may be any, which is the strict side."""
        if tool in self.names or any(matches(pattern, tool) for pattern in self.patterns):
            return True
        return bool(self.categories) and (not category or category in self.categories)


_NOTHING = Some((), (), ())


@dataclass(slots=True, frozen=True)
class Flow:
    """One flow as written. `name` is made of what sets its mark, so that a flow that moves in the document keeps it.

    `seconds` is 0 for a whole session.
    """

    pointer: str
    counter: str
    name: str
    after: Some
    and_after: Some
    deny: Some
    seconds: int
    on_deny: str

    @property
    def has_two_legs(self) -> bool:
        """Whether something of `and_after` must have been used, too."""
        return not self.and_after.is_empty

    @property
    def reads_categories(self) -> bool:
        """Whether it asks what a tool is."""
        return bool(self.after.categories or self.and_after.categories or self.deny.categories)

    def concerns(self, tool: str, category: str = "") -> bool:
        """Whether calls of the tool set the mark or may be refused by it; without a category: of any."""
        return any(leg.covers(tool, category) for leg in (self.after, self.and_after, self.deny))

    def lasts(self, subject: Subject) -> int:
        """Seconds after the last such call until the mark ends."""
        if self.seconds:
            return self.seconds
        return SESSION_KEPT if subject.session_id else GRANT_KEPT

    def ends(self, subject: Subject) -> int:
        """The same as people are told; 0 where that is with the session, however long its mark is kept."""
        return 0 if not self.seconds and subject.session_id else self.lasts(subject)

    def charge(self, tool: str, category: str, subject: Subject) -> Charge:
        """What a call of the tool sets and asks. Of a session where there is one and no length of time is given."""
        amount = (_FIRST if self.after.covers(tool, category) else 0) + (
            _SECOND if self.and_after.covers(tool, category) else 0
        )
        maximum = 0
        if self.deny.covers(tool, category):
            maximum = _FIRST + _SECOND if self.has_two_legs else _FIRST
        lasts = self.lasts(subject)
        head = HEADS["grant" if self.seconds or not subject.session_id else "session"](subject)
        key = json.dumps([*head, "flow", self.name, lasts], ensure_ascii=False, separators=(",", ":"))
        return Charge(key, self.counter, amount, maximum, Mark(lasts), self.pointer)


def read_flows(raw: Mapping[str, Any]) -> tuple[Flow, ...]:
    """The flows of a valid document, in its order."""
    return tuple(_flow(flow, place) for place, flow in enumerate(raw.get("flows", ())))


def _flow(raw: Mapping[str, Any], place: int) -> Flow:
    after, and_after, deny = (read_some(raw.get(key, ())) for key in ("after", "and_after", "deny"))
    within = raw.get("within", SESSION)
    seconds = 0 if within == SESSION else read_duration(within)
    assert seconds is not None  # validated
    return Flow(
        pointer=f"/flows/{place}",
        counter=f"{COUNTER}{place}",
        name=_named((after, and_after), seconds),
        after=after,
        and_after=and_after,
        deny=deny,
        seconds=seconds,
        on_deny=raw.get("on_deny", ""),
    )


def read_some(items: Iterable[Any]) -> Some:
    """A valid list of names, patterns and categories."""
    keys = [item for item in items if type(item) is str]
    return Some(
        tuple(key for key in keys if not is_pattern(key)),
        tuple(key for key in keys if is_pattern(key)),
        tuple(dict.fromkeys(word for item in items if type(item) is dict for word in _words(item["category"]))),
    )


def _words(category: Any) -> Iterator[str]:
    yield from [category] if type(category) is str else category


def _named(legs: Iterable[Some], seconds: int) -> str:
    """The same for the same legs, in whatever order their items stand, and for the same length of time."""
    sets = [[sorted({*leg.names, *leg.patterns}), sorted(leg.categories)] for leg in legs]
    return sha256(json.dumps([sets, seconds]).encode()).hexdigest()[:16]
