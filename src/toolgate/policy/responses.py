"""What the answers of a tool or method must obey: which secrets are taken out of them, how long they may be."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from toolgate.policy.charges import RESULT_BYTES, Limit
from toolgate.policy.decision import NANO
from toolgate.policy.detectors import Detector, named
from toolgate.policy.entries import Entry

HiddenText = Literal["remove", "deny", "pass"]
"""What happens to characters that people do not see; the first is the default."""
HIDDEN_TEXT: tuple[HiddenText, ...] = ("remove", "deny", "pass")


@dataclass(slots=True, frozen=True)
class Cap:
    """The most bytes of one answer, and the place in the document that says so."""

    bytes: int
    rule: str


@dataclass(slots=True, frozen=True)
class Response:
    """The rules of one tool or method, of all entries that match it. Falsy where there are none."""

    detectors: tuple[Detector, ...] = ()
    cap: Cap | None = None

    def __bool__(self) -> bool:
        return bool(self.detectors) or self.cap is not None


NO_RULES = Response()


def response_of(entries: Sequence[Entry], limits: Sequence[Limit]) -> Response:
    """Every detector that an entry names, and the smallest number of bytes; `limits` are those of the entries.

    A limit on `result.bytes` caps answers at what it reserves: of limits that share a counter the largest.
    """
    asked = [(entry.raw["response"], f"{entry.pointer}/response") for entry in entries if "response" in entry.raw]
    names = {name for raw, _ in asked for name in raw.get("redact", ())}
    caps = [Cap(raw["max_bytes"], f"{pointer}/max_bytes") for raw, pointer in asked if "max_bytes" in raw]
    caps += _reserved(limits)
    return Response(named(names), _smallest(caps)) if names or caps else NO_RULES


def _reserved(limits: Iterable[Limit]) -> list[Cap]:
    by_counter: dict[tuple[str, str], Cap] = {}
    for limit in limits:
        if limit.counts_bytes and isinstance(limit.cost, int):
            cap, key = Cap(limit.cost // NANO, limit.pointer), (limit.scope, limit.name)
            by_counter[key] = max(by_counter.get(key, cap), cap, key=lambda each: each.bytes)
    return list(by_counter.values())


def of_anything(entries: Iterable[Entry]) -> Response:
    """What holds where nobody can tell which tool a text is from: every detector, the smallest of all numbers."""
    single = [response_of([entry], list(entry.limits())) for entry in entries if _speaks(entry)]
    names = {detector.name for each in single for detector in each.detectors}
    return Response(named(names), _smallest([each.cap for each in single if each.cap is not None]))


def _speaks(entry: Entry) -> bool:
    """Whether the entry says something of answers."""
    return "response" in entry.raw or any(raw.get("cost") == RESULT_BYTES for raw in entry.raw.get("limits", ()))


def _smallest(caps: Iterable[Cap]) -> Cap | None:
    return min(caps, key=lambda cap: cap.bytes, default=None)
