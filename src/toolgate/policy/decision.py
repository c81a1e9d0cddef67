"""What the engine says of one call: plain values that the gateway acts on and the journal records."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Literal

Outcome = Literal["allow", "deny", "wait"]
Scope = Literal["grant", "session", "principal", "server", "organisation"]
NANO = 1_000_000_000
"""Amounts are integers in units of 10**-9 (fixed point, nine fraction digits), so sums are exact."""


class Unit(Enum):
    """Calendar windows, aligned to UTC; a week begins on Monday."""

    SECOND = "second"
    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(slots=True, frozen=True)
class Mark:
    """No sum but a note of what was used, kept for `seconds` after the last call that set a part of it."""

    seconds: int


Span = Unit | int
"""A calendar window, or the whole seconds of a sliding one (1 to 86,400)."""

Window = Span | Mark
"""What a counter is kept for."""


# Charge and Verdict are made on every call: a frozen dataclass costs five times as much to construct (1.3 us against
# 0.25), so they are immutable by agreement. The engine hands the same object out again: nobody may change one.


@dataclass(slots=True, unsafe_hash=True)
class Charge:
    """What one call takes from one counter: the whole input of a limiter besides the clock.

    `key` names the counter for ever (scope kind, scope id, counter name, window); calls with equal keys share it.
    `amount` and `maximum` are in nano units. `rule` is the RFC 6901 pointer of the limit in the policy document.
    Of a mark they are sums of its parts, 1 and 2: `amount` those that the call sets (0: it only asks), `maximum` those
    that together refuse it (0: it only sets).
    """

    key: str
    counter: str
    amount: int
    maximum: int
    window: Window
    rule: str
    settle: str | None = None


@dataclass(slots=True, unsafe_hash=True)
class Verdict:
    """The pure part of a decision, steps 1 to 6 of policy.md section 4, with what is left for steps 7 to 9.

    With outcome `allow` the charges still have to be reserved; with `wait` a person has to agree first (and the
    charges are only peeked before). With `deny` both are empty. `rule` is a JSON pointer into the policy document or
    one of the fixed words in parentheses; "" when nothing but the listing of the tool decided.
    """

    outcome: Outcome
    rule: str
    message: str = ""
    charges: tuple[Charge, ...] = ()
    approval_timeout: int = 0
    visible: bool = True
    """False where the client must not learn that the tool exists (hidden, unlisted)."""


@dataclass(slots=True)
class Subject:
    """Who asks, as conditions and scopes see it. One per grant and session; reused for many calls."""

    grant_id: str
    label: str = ""
    principal: str = ""
    server_id: str = ""
    organisation_id: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    session_id: str = ""
