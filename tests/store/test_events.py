"""Admin events are found by who, what and when, newest first, of one organisation."""

from __future__ import annotations

from pathlib import Path

from toolgate.store import described, events, policies, servers
from toolgate.store.database import open_database
from toolgate.store.events import EventFilter

POLICY = '{"version": "1", "default": "deny"}'
ELSEWHERE = "00000000-0000-4000-8000-0000000000ff"


def test_events_are_listed_newest_first_in_pages(tmp_path: Path) -> None:
    engine = open_database(tmp_path)
    server = servers.add(engine, "ada", "cargo", "https://cargo.example/mcp")
    policies.put(engine, "ada", "careful", POLICY)
    servers.remove(engine, "bob", "cargo")
    found = events.newest(engine)
    assert [(event.actor, event.action, event.kind) for event in found] == [
        ("bob", "remove", "server"),
        ("ada", "put", "policy"),
        ("ada", "add", "server"),
    ]
    first = events.newest(engine, limit=1)
    assert [*first, *events.newest(engine, before=first[0].id)] == found
    assert described.admin_event(found[0])["before"] == {"name": "cargo"}
    assert found[2].target == server.id
    engine.dispose()


def test_events_are_filtered_and_stay_in_their_organisation(tmp_path: Path) -> None:
    engine = open_database(tmp_path)
    servers.add(engine, "ada", "cargo", "https://cargo.example/mcp")
    servers.remove(engine, "bob", "cargo")
    moment = events.newest(engine)[0].time
    assert [event.action for event in events.newest(engine, EventFilter(actor="ada"))] == ["add"]
    assert [event.actor for event in events.newest(engine, EventFilter(action="remove", kind="server"))] == ["bob"]
    assert [event.actor for event in events.newest(engine, EventFilter(since=moment))] == ["bob"]
    assert [event.actor for event in events.newest(engine, EventFilter(until=moment))] == ["ada"]
    assert events.newest(engine, organisation=ELSEWHERE) == []
    engine.dispose()
