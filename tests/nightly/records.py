"""What the journal says of the traffic, read once from its first entry to its last."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from toolgate.audit.reader import entries
from toolgate.audit.records import Decision, Outcome, Sum, read_line
from toolgate.policy.decision import NANO


@dataclass
class Records:
    """`decisions` by request id, `unnamed` by the verb or rule of what has no id."""

    decisions: Counter[int] = field(default_factory=Counter)
    unnamed: Counter[str] = field(default_factory=Counter)
    let_through: set[int] = field(default_factory=set)
    without_end: set[str] = field(default_factory=set)
    """Decisions of what was let through or held whose outcome is missing."""
    outcomes: Counter[str] = field(default_factory=Counter)
    sums: int = 0
    _spent: dict[str, int] = field(default_factory=dict)
    _limited: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Between which moments the quota of a call was taken."""

    @classmethod
    def read(cls, journal: Path) -> Self:
        records = cls()
        for located in entries(journal):
            match read_line(located.line):
                case Decision() as decision:
                    records._decided(decision)
                case Outcome() as outcome:
                    records._ended(outcome)
                case Sum():
                    records.sums += 1
        return records

    @property
    def spent(self) -> int:
        """What the counter `spent` stands at."""
        return sum(self._spent.values())

    def most_within(self, seconds: float) -> int:
        """The most calls of `limited` that were certainly let through within some such span, and not given back."""
        taken = sorted(self._limited.values())
        most = begin = 0
        for end, (_, latest) in enumerate(taken):
            while latest - taken[begin][0] >= seconds:
                begin += 1
            most = max(most, end - begin + 1)
        return most

    def _decided(self, decision: Decision) -> None:
        if isinstance(decision.request_id, int):
            self.decisions[decision.request_id] += 1
        else:
            self.unnamed[decision.method or decision.rule] += 1
        if decision.outcome == "deny":
            return
        self.without_end.add(decision.decision_id)
        if decision.outcome == "allow" and isinstance(decision.request_id, int):
            self.let_through.add(decision.request_id)
        if decision.tool == "charge":
            self._spent[decision.decision_id] = decision.charges[0].amount // NANO
        if decision.tool == "limited":
            self._limited[decision.decision_id] = (decision.time - decision.decided_in / 1e6, decision.time)

    def _ended(self, outcome: Outcome) -> None:
        self.outcomes[outcome.result] += 1
        self.without_end.discard(outcome.decision_id)
        if outcome.rolled_back:
            self._spent.pop(outcome.decision_id, None)
            self._limited.pop(outcome.decision_id, None)
