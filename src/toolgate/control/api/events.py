"""Admin events: who changed what."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from toolgate.control.api.operation import Asker, Here, needs, resource
from toolgate.control.api.paging import Pages
from toolgate.control.api.shapes.events import AdminEvent
from toolgate.control.api.shapes.words import Page
from toolgate.store import described, events
from toolgate.store.events import EventFilter
from toolgate.store.moments import gone_by

router = resource("Admin events")

Since = Annotated[str, Query(max_length=40, description="Only newer ones: `2h`, `30d`, a date or time (RFC 3339).")]
Until = Annotated[str, Query(max_length=40, description="Only older ones: `2h`, `30d`, a date or time (RFC 3339).")]


@router.get("/events", response_model=Page[AdminEvent], **needs("admin"))
def list_events(
    actor: Asker,
    here: Here,
    pages: Pages,
    by: Annotated[str, Query(alias="actor", max_length=320, description="Only what this one did.")] = "",
    action: Annotated[str, Query(max_length=32, description="Only this action.")] = "",
    kind: Annotated[str, Query(max_length=16, description="Only on this kind of thing.")] = "",
    target: Annotated[str, Query(max_length=64, description="Only on the thing with this id.")] = "",
    since: Since = "",
    until: Until = "",
) -> dict[str, object]:
    """List who changed what, the newest first."""
    wanted = EventFilter(
        actor=by,
        action=action,
        kind=kind,
        target=target,
        since=gone_by("query since", since) if since else 0.0,
        until=gone_by("query until", until) if until else None,
    )
    before = pages.after[0] if pages.after else None
    found = events.newest(here.engine, wanted, organisation=actor.organisation, before=before, limit=pages.one_more)
    return pages.page(found, described.admin_event, lambda row: (row.id,))
