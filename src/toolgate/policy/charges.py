"""Limits of a policy as charges of one call: who pays, from which counter, how much."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from toolgate.policy.decision import NANO, Charge, Scope, Span, Subject, Unit, Verdict
from toolgate.policy.numerals import exact, nano
from toolgate.policy.operators import kind_of
from toolgate.policy.paths import BadPath, Gap, Path, Step, parse_path, parse_steps, walk

_REMEMBERED = 1024
"""Subjects whose keys one tool keeps ready; beyond that it starts over."""
RESULT_BYTES = "result.bytes"
"""The cost that is reserved before a call, and becomes the size of the answer."""
RESERVE = 65_536
"""Bytes reserved where a limit does not say how many."""
BY_SIZE = "(bytes)"
"""What a charge settles by in place of a path: the size of the answer."""
REPEATS = "repeat_limit:"
"""How names of counters of identical calls begin."""
SPANS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}


@dataclass(slots=True, frozen=True)
class Limit:
    """One limit as written. `name` tells counters apart within a scope; `counter` is what people read."""

    pointer: str
    name: str
    counter: str
    scope: Scope
    window: Span
    maximum: int
    cost: int | Path
    settle: str | None
    repeats: bool = False
    """Whether it counts identical calls, each by itself."""

    @property
    def counts_calls(self) -> bool:
        """The kind of cost: a fixed number per call, or an amount out of the arguments."""
        return type(self.cost) is int

    @property
    def counts_bytes(self) -> bool:
        """Whether `cost` is what is reserved of a size that only the answer tells."""
        return self.settle == BY_SIZE


def read_limits(entry: Mapping[str, Any], pointer: str, section: str, key: str) -> Iterator[Limit]:
    """The limits of one valid entry, the short forms last. `section` is `tools`, `methods` or `all_tools`."""
    for place, raw in enumerate(entry.get("limits", ())):
        yield _limit(raw, f"{pointer}/limits/{place}")
    for short in ("rate_limit", "repeat_limit"):
        if short in entry:
            yield _short_limit(entry[short], f"{pointer}/{short}", short, section, key)


def _limit(raw: Mapping[str, Any], pointer: str) -> Limit:
    window = raw["window"]
    cost, settle = raw.get("cost", 1), raw.get("settle")
    if cost == RESULT_BYTES:
        cost, settle = raw.get("reserve", RESERVE), BY_SIZE
    return Limit(
        pointer,
        raw["counter"],
        raw["counter"],
        raw.get("scope", "grant"),
        Unit(window) if type(window) is str else window,
        _nano(raw["max"]),
        parse_path(cost) if type(cost) is str else _nano(cost),
        settle,
    )


def _short_limit(raw: Any, pointer: str, short: str, section: str, key: str) -> Limit:
    if type(raw) is str:
        most, _, span = raw.partition("/")
        raw = {"max": int(most), "window": SPANS[span]}
    counter = f"{short}:{key}"
    name = counter if section == "tools" else f"{section}/{counter}"
    scope, window, repeats = raw.get("scope", "grant"), raw["window"], short == "repeat_limit"
    return Limit(pointer, name, counter, scope, window, raw["max"] * NANO, NANO, None, repeats=repeats)


def _nano(value: object) -> int:
    number = exact(value)
    assert number is not None  # validated
    return nano(number)


Ceilings = Mapping[tuple[str, str], Limit]
"""The tightest limit of the whole document for each counter (scope, name)."""


def ceilings(limits: Iterable[Limit]) -> dict[tuple[str, str], Limit]:
    """Limits that share a counter share its maximum: the tightest that any of them sets."""
    tightest: dict[tuple[str, str], Limit] = {}
    tighten(tightest, limits)
    return tightest


def tighten(tightest: dict[tuple[str, str], Limit], limits: Iterable[Limit]) -> None:
    """Take more limits of the same document into account."""
    for limit in limits:
        known = tightest.get((limit.scope, limit.name))
        if known is None or limit.maximum < known.maximum:
            tightest[limit.scope, limit.name] = limit


@dataclass(slots=True, frozen=True)
class _Counter:
    """One counter that a call charges once, whatever number of limits of the call name it."""

    counter: str
    amount: int
    rest: tuple[int, Span, str, str | None]
    head: Callable[[Subject], list[str]]
    tail: tuple[str, str | int]
    costs: tuple[tuple[str, Path], ...]

    def key(self, subject: Subject) -> str:
        return json.dumps([*self.head(subject), *self.tail], ensure_ascii=False, separators=(",", ":"))


class Ledger:
    """What a tool's calls are charged with."""

    __slots__ = ("_counters", "_fixed", "_keys", "_verdicts")

    def __init__(self, limits: list[Limit], tightest: Ceilings) -> None:
        grouped: dict[tuple[str, str], list[Limit]] = {}
        for limit in limits:
            grouped.setdefault((limit.scope, limit.name), []).append(limit)
        self._counters = tuple(_counter(group, tightest[key]) for key, group in grouped.items())
        self._fixed = not any(counter.costs for counter in self._counters)
        self._keys: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._verdicts: dict[tuple[str, ...], Verdict] = {}

    def draw(self, arguments: dict[str, object], subject: Subject) -> Verdict:
        """Allow with the charges, or deny because a cost cannot be told."""
        if not self._counters:
            return _FREE
        who = (
            subject.grant_id,
            subject.session_id,
            subject.principal,
            subject.server_id,
            subject.organisation_id,
        )
        if not self._fixed:
            return self._measured(arguments, self._keys.get(who) or self._name_keys(who, subject))
        return self._verdicts.get(who) or self._remember(who, subject)

    def _remember(self, who: tuple[str, ...], subject: Subject) -> Verdict:
        if len(self._verdicts) >= _REMEMBERED:
            self._verdicts.clear()
        verdict = self._verdicts[who] = self._measured({}, self._name_keys(who, subject))
        return verdict

    def _name_keys(self, who: tuple[str, ...], subject: Subject) -> tuple[str, ...]:
        if len(self._keys) >= _REMEMBERED:
            self._keys.clear()
        keys = self._keys[who] = tuple(counter.key(subject) for counter in self._counters)
        return keys

    def _measured(self, arguments: dict[str, object], keys: tuple[str, ...]) -> Verdict:
        charges = []
        for place, counter in enumerate(self._counters):
            amount = counter.amount
            for pointer, path in counter.costs:
                value = arguments.get(path.key, Gap.MISSING)
                if len(path.steps) > 1:
                    value = walk(value, path.steps[1:])
                cost = exact(value)
                if cost is None or cost < 0:
                    return Verdict("deny", pointer, f"{path.shown} {_fault(value)}, so what the call costs is unknown")
                charged = nano(cost)
                amount = max(amount, charged)
            charges.append(Charge(keys[place], counter.counter, amount, *counter.rest))
        return Verdict("allow", "", "", tuple(charges))


_FREE = Verdict("allow", "")


def _fault(value: object) -> str:
    if type(value) is Gap:
        return value.value
    if kind_of(value) != "number":
        return f"is no number but of type {kind_of(value)}"
    return "is negative" if exact(value) is not None else "is a number that does not survive double precision"


def _counter(group: list[Limit], tightest: Limit) -> _Counter:
    """Of several limits of one call the largest cost counts, and the first path to settle by."""
    lowest = min(group, key=lambda limit: limit.maximum)
    rule = lowest if lowest.maximum == tightest.maximum else tightest
    fixed = [limit.cost for limit in group if type(limit.cost) is int]
    settle = next((limit.settle for limit in group if limit.settle), None)
    window = tightest.window
    written = window.value if isinstance(window, Unit) else window
    return _Counter(
        tightest.counter,
        max(fixed, default=0),
        (tightest.maximum, window, rule.pointer, settle),
        HEADS[tightest.scope],
        (tightest.name, written),
        tuple((limit.pointer, limit.cost) for limit in group if isinstance(limit.cost, Path)),
    )


def _session(subject: Subject) -> list[str]:
    """A client without a session has its grant for one."""
    return ["session", subject.grant_id, subject.session_id]


def _principal(subject: Subject) -> list[str]:
    """A grant without a holder stands for itself."""
    if not subject.principal:
        return ["principal", subject.organisation_id, "", subject.grant_id]
    return ["principal", subject.organisation_id, subject.principal]


HEADS: dict[Scope, Callable[[Subject], list[str]]] = {
    "grant": lambda subject: ["grant", subject.grant_id],
    "session": _session,
    "principal": _principal,
    "server": lambda subject: ["server", subject.server_id],
    "organisation": lambda subject: ["organisation", subject.organisation_id],
}
"""How the keys of a scope's counters begin."""


def actual_amount(charge: Charge, structured: object, size: int) -> int | None:
    """What a call really cost in nano units: the `size` of the answer in bytes, or what its `structuredContent` tells.

    None where the limit does not settle or the result does not tell (then the reservation stands).
    """
    if charge.settle is None:
        return None
    if charge.settle == BY_SIZE:
        return size * NANO
    number = exact(walk(structured, read_settle(charge.settle)))
    return None if number is None or number < 0 else nano(number)


def read_settle(text: str) -> tuple[Step, ...]:
    """The steps of a `settle` path (`usage.tokens`); raises `BadPath`."""
    dotted = text if text.startswith("[") else "." + text
    steps = tuple(parse_steps(dotted, 0))
    if not all(type(step) in (str, int) for step in steps):
        raise BadPath(f"the path `{text}` may not use `[*]`")
    return steps
