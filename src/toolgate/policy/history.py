"""What calls of one tool are charged for what went before: identical calls, and flows."""

from __future__ import annotations

import json
from collections.abc import Iterable

from toolgate.policy.charges import HEADS, Limit
from toolgate.policy.decision import NANO, Charge, Subject
from toolgate.policy.flows import Flow

_REMEMBERED = 1024
"""Subjects whose charges one tool keeps ready; beyond that it starts over."""
_Ready = tuple[tuple[Charge, ...], tuple[str, ...]]
"""The charges of flows, and the keys of repeats without their ends."""


class History:
    """Of one tool or method: `repeats` are its limits on identical calls, `flows` those that concern it."""

    __slots__ = ("_flows", "_name", "_ready", "_repeats")

    def __init__(self, name: str, repeats: Iterable[Limit], flows: Iterable[Flow]) -> None:
        self._name = name
        self._repeats = tuple(repeats)
        self._flows = tuple(flows)
        self._ready: dict[tuple[str, str, str], _Ready] = {}

    def charges(self, subject: Subject, category: str, digest: str) -> tuple[Charge, ...]:
        """Flows first, then repeats. `digest` stands for the arguments; "" for none, or where they are not known."""
        who = (subject.grant_id, subject.session_id, category)
        marks, keys = self._ready.get(who) or self._prepare(who, subject, category)
        if not keys:
            return marks
        return (*marks, *(_repeated(limit, key, digest) for limit, key in zip(self._repeats, keys, strict=True)))

    def _prepare(self, who: tuple[str, str, str], subject: Subject, category: str) -> _Ready:
        if len(self._ready) >= _REMEMBERED:
            self._ready.clear()
        ready = self._ready[who] = self._marks(subject, category), tuple(self._opened(subject))
        return ready

    def _marks(self, subject: Subject, category: str) -> tuple[Charge, ...]:
        """One charge for each mark: flows after the same tools share it, and the first that may deny is named."""
        found: dict[str, Charge] = {}
        for flow in self._flows:
            charge = flow.charge(self._name, category, subject)
            if charge.amount or charge.maximum:
                known = found.setdefault(charge.key, charge)
                if charge.maximum > known.maximum:
                    found[charge.key] = charge
        return tuple(found.values())

    def _opened(self, subject: Subject) -> Iterable[str]:
        """The keys of identical calls up to the digest."""
        for limit in self._repeats:
            parts = [*HEADS[limit.scope](subject), limit.name, limit.window, self._name]
            yield json.dumps(parts, ensure_ascii=False, separators=(",", ":"))[:-1]


def _repeated(limit: Limit, opened: str, digest: str) -> Charge:
    return Charge(f'{opened},"{digest}"]', limit.counter, NANO, limit.maximum, limit.window, limit.pointer)
