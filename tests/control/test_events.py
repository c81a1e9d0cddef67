"""`/events` and `/settings`."""

from __future__ import annotations

import re

import pytest
from tests.control.running import Control

from toolgate.store import members, organisations
from toolgate.store.database import writing
from toolgate.store.tables import DEFAULT_ORGANISATION


def note(control: Control, number: int, actor: str = "test", organisation: str = DEFAULT_ORGANISATION) -> None:
    with writing(control.engine, actor, organisation) as change:
        for step in range(number):
            change.event("poke", "server", DEFAULT_ORGANISATION, {"step": step}, {"step": step + 1})


@pytest.mark.slow
async def test_events_come_newest_first_in_pages_that_lose_and_repeat_nothing(control: Control) -> None:
    admin = await control.signed_in("admin")
    note(control, 120)
    seen: list[int] = []
    path = "/events.json?action=poke"
    while True:
        page = (await admin.get(path)).json
        seen += [event["id"] for event in page["events"]]
        note(control, 1)  # what comes meanwhile moves nothing
        if page["next"] is None:
            break
        path = f"/events.json?action=poke&before={page['next']}"
    assert len(seen) == 120
    assert seen == sorted(set(seen), reverse=True)
    first = await admin.get("/events?action=poke")
    older = re.search(r'href="(/events\?[^"]+)"[^>]*>Older', first.text)
    assert older is not None
    assert (await admin.get(older[1].replace("&amp;", "&"))).status == 200


@pytest.mark.slow
async def test_events_are_filtered_by_who_what_and_when(control: Control) -> None:
    admin = await control.signed_in("admin")
    note(control, 2, actor="eve@example.com")
    note(control, 1)

    async def found(query: str) -> int:
        return len((await admin.get(f"/events.json?{query}")).json["events"])

    assert await found("actor=eve@example.com") == 2
    assert await found("actor=eve@example.com&action=poke&kind=server") == 2
    assert await found("action=poke&until=2001-01-01") == 0
    assert await found("action=poke&since=2001-01-01") == 3
    assert await found("actor=%25&before=x") == 0
    assert await found("action=poke&before=99999999999999999999") == 3
    wrong = await admin.get("/events?since=yesterday")
    assert wrong.status == 422
    assert "is not a moment" in wrong.text
    assert "No event fits" in (await admin.get("/events?actor=nobody")).text


async def test_events_show_before_and_after_as_text(control: Control) -> None:
    admin = await control.signed_in("admin")
    with writing(control.engine, "<b>\u202e", DEFAULT_ORGANISATION) as change:
        change.event("poke", "server", DEFAULT_ORGANISATION, {"<i>": "\x1b[31m"}, {"name": "</pre><script>"})
    page = (await admin.get("/events?action=poke")).text
    assert "&lt;b&gt;\\u202e" in page
    assert "\x1b" not in page
    assert "<script>" not in page[page.index("<main") :]
    assert f'href="/servers/{DEFAULT_ORGANISATION}"' in page


async def test_settings_say_how_the_process_was_started(control: Control) -> None:
    admin = await control.signed_in("admin")
    settings = (await admin.get("/settings.json")).json["settings"]
    assert settings["control_url"] == control.url
    assert settings["data"] == str(control.state.data)
    page = (await admin.get("/settings")).text
    assert control.url in page
    assert "Make the organisation" in page


@pytest.mark.slow
async def test_only_the_operators_admins_make_organisations_and_each_sees_its_own(control: Control) -> None:
    operator = await control.signed_in("admin")
    made = await operator.post("/settings/organisations", {"name": "acme", "email": "ada@acme.example"})
    link = re.search(r"/welcome/[A-Za-z0-9_-]{43}", made.text)
    assert link is not None
    acme = organisations.get(control.engine, "acme")
    [ada] = members.every(control.engine, organisation=acme.id)
    assert (ada.email, ada.role, ada.approves) == ("ada@acme.example", "admin", None)
    for fields, said in (
        ({"name": "acme"}, "already"),
        ({"email": "x"}, "is not an e-mail"),
        ({"name": "a b"}, "not a name"),
    ):
        wrong = await operator.post("/settings/organisations", {"name": "other", "email": "x@acme.example", **fields})
        assert wrong.status == 422
        assert said in wrong.text
    stranger = await control.signed_in("admin", organisation=acme.id)
    assert (await stranger.post("/settings/organisations", {"name": "b", "email": "b@b.example"})).status == 403
    settings = await stranger.get("/settings.json")
    assert settings.json["organisations"] == []
    note(control, 3)
    assert (await stranger.get("/events.json?action=poke")).json["events"] == []
    assert len(organisations.every(control.engine)) == 2
