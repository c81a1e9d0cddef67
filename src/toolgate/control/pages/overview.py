"""`/`: how much was called, denied and held, by whom and where, and whether the gateways are well."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final

from starlette.requests import Request
from starlette.routing import BaseRoute

from toolgate.audit.tallies import HOUR, Counts
from toolgate.control.pages.charts import Column, stacked
from toolgate.control.pages.rendering import Page
from toolgate.control.pages.routing import actor, page, state
from toolgate.control.recorded import seen_by
from toolgate.control.state import State
from toolgate.store import described
from toolgate.store.approval_search import Search
from toolgate.store.approvals import ApprovalStore
from toolgate.store.changes import announce
from toolgate.store.first_steps import first_steps
from toolgate.store.labels import grant_labels, server_names

TOP: Final = 8
"""How many servers, grants and rules are shown: those that were called, or that denied, most."""
_HEARD_WITHIN: Final = 0.25
"""Seconds that the page waits for gateways to say that they are well."""


@dataclass(slots=True, frozen=True)
class Span:
    """A time to look back over, drawn in columns of `step` hours."""

    word: str
    name: str
    hours: int
    step: int


SPANS: Final = (Span("24h", "24 hours", 24, 1), Span("7d", "7 days", 168, 6))


def _overview(request: Request) -> Page:
    """What is known of the last day, or with `?span=7d` of the last week."""
    here, who = state(request), actor(request)
    span = next((span for span in SPANS if span.word == request.query_params.get("span")), SPANS[0])
    now = time.time()
    first = int(now // HOUR) - span.hours + 1
    hours = here.records.hours(seen_by(who), first)
    columns = _columns(hours, first, span)
    data = {
        "span": span.word,
        "since": described.when(first * HOUR),
        "counts": _counted(_sum(hours.values())),
        "waiting": _waiting(here, seen_by(who)),
        "columns": [{"time": described.when(start), **_counted(counts)} for start, counts in columns],
        **_rankings(request, first),
        "gateways": _gateways(here),
        "steps": asdict(first_steps(here.engine, organisation=who.organisation)),
    }
    chart = stacked(
        [Column(_named(start, span), (counts.allowed, counts.waited, counts.denied)) for start, counts in columns]
    )
    return Page(
        "overview.html", "Overview", data, {"chart": chart, "spans": SPANS, "chosen": span, "columns_of": columns}
    )


def _columns(hours: Mapping[int, Counts], first: int, span: Span) -> list[tuple[float, Counts]]:
    """The beginning of each column in epoch seconds, and its counts."""
    starts = range(first, first + span.hours, span.step)
    none = Counts()
    return [(start * HOUR, _sum(hours.get(start + hour, none) for hour in range(span.step))) for start in starts]


def _rankings(request: Request, first: int) -> dict[str, Any]:
    """The servers, grants, rules and reasons with the largest counts, by name."""
    here, who, seen = state(request), actor(request), seen_by(actor(request))
    servers = here.records.ranking("server", seen, first, TOP)
    grants = here.records.ranking("grant", seen, first, TOP)
    rules = here.records.ranking("rule", seen, first, TOP)
    reasons = here.records.ranking("reason", seen, first, TOP)
    names = server_names(here.engine, who.organisation, [id_ for id_, _ in servers])
    labels = grant_labels(here.engine, who.organisation, [id_ for id_, _ in grants])
    return {
        "servers": [{"id": id_, "name": names.get(id_, id_), **_counted(counts)} for id_, counts in servers],
        "grants": [{"id": id_, "label": labels.get(id_, id_), **_counted(counts)} for id_, counts in grants],
        "rules": [{"rule": rule, "denied": counts.denied, "waited": counts.waited} for rule, counts in rules],
        "refusals": [{"reason": reason, "refused": counts.refused} for reason, counts in reasons],
    }


def _counted(counts: Counts) -> dict[str, int]:
    return {"decided": counts.decided, **counts._asdict()}


def _sum(counts: Iterable[Counts]) -> Counts:
    return Counts(*map(sum, zip(Counts(), *counts, strict=True)))


def _named(start: float, span: Span) -> str:
    """What stands under a column."""
    moment = datetime.fromtimestamp(start, UTC)
    return moment.strftime("%H:%M" if span.step == 1 else "%d %b %H:%M")


def _waiting(here: State, organisations: tuple[str, ...]) -> int:
    with closing(ApprovalStore(here.data)) as store:
        return store.count(Search(organisations, ("pending",)))


def _gateways(here: State) -> dict[str, Any]:
    """How many gateways of this machine answered, and the process ids of those that did not."""
    confirmed = announce(here.data, 0, timeout=_HEARD_WITHIN)
    well = confirmed.complete and confirmed.processes > 0
    return {"well": well, "running": confirmed.processes, "silent": list(confirmed.silent)}


routes: list[BaseRoute] = page("/", _overview, twin="/overview.json")
