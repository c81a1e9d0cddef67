from __future__ import annotations

import hashlib
import uuid
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import Engine

from toolgate.store import definitions, servers
from toolgate.store.database import latest_change
from toolgate.store.definitions import Seen
from toolgate.store.errors import NotStored


def tool(name: str, version: str = "1") -> Seen:
    text = f'{{"name": "{name}", "description": "{version}"}}'
    return Seen(name, hashlib.sha256(text.encode()).hexdigest(), text)


@pytest.fixture
def plain(engine: Engine) -> str:
    return servers.add(engine, "ada", "cargo", "https://cargo.example/mcp").id


@pytest.fixture
def pinned(engine: Engine) -> str:
    return servers.add(engine, "ada", "crm", "https://crm.example/mcp", pin=True).id


def standing(engine: Engine, server: str, *, history: bool = False) -> list[tuple[str, str, str]]:
    """(name, version, status) of what is stored."""
    found = definitions.of_server(engine, server, history=history)
    return [(row.name, row.definition.split('"')[-2], row.status) for row in found]


def test_what_a_server_lists_is_in_force_at_once(engine: Engine, plain: str) -> None:
    assert definitions.saw(engine, "gateway", plain, [tool("run"), tool("add")]) == ["run", "add"]
    assert standing(engine, plain) == [("add", "1", "current"), ("run", "1", "current")]
    assert servers.get(engine, plain).tools == 2


def test_the_same_list_again_tells_nobody(engine: Engine, plain: str) -> None:
    definitions.saw(engine, "gateway", plain, [tool("run")])
    seq = latest_change(engine)
    assert definitions.saw(engine, "gateway", plain, [tool("run")]) == []
    assert latest_change(engine) == seq


def test_a_changed_tool_replaces_its_older_version_and_history_stays(engine: Engine, plain: str) -> None:
    definitions.saw(engine, "gateway", plain, [tool("run")])
    definitions.saw(engine, "gateway", plain, [tool("run", "2")])
    assert standing(engine, plain) == [("run", "2", "current")]
    assert standing(engine, plain, history=True) == [("run", "1", "gone"), ("run", "2", "current")]
    definitions.saw(engine, "gateway", plain, [tool("run")])
    assert standing(engine, plain, history=True) == [("run", "1", "current"), ("run", "2", "gone")]


def test_a_tool_that_is_no_longer_listed_is_gone(engine: Engine, plain: str) -> None:
    definitions.saw(engine, "gateway", plain, [tool("run"), tool("add")])
    assert definitions.saw(engine, "gateway", plain, [tool("add")]) == ["run"]
    assert standing(engine, plain) == [("add", "1", "current")]


def test_one_page_of_several_takes_nothing_away(engine: Engine, plain: str) -> None:
    definitions.saw(engine, "gateway", plain, [tool("run")])
    definitions.saw(engine, "gateway", plain, [tool("add")], complete=False)
    assert len(standing(engine, plain)) == 2


def test_a_pinned_server_has_its_first_tools_only_from_its_registration(engine: Engine, pinned: str) -> None:
    definitions.saw(engine, "ada", pinned, [tool("run")], trusted=True)
    definitions.saw(engine, "gateway", pinned, [tool("run"), tool("wipe")])
    assert standing(engine, pinned) == [("run", "1", "current"), ("wipe", "1", "withheld")]


def test_a_changed_tool_of_a_pinned_server_waits_beside_the_one_in_force(engine: Engine, pinned: str) -> None:
    definitions.saw(engine, "ada", pinned, [tool("run")], trusted=True)
    definitions.saw(engine, "gateway", pinned, [tool("run", "2")])
    assert standing(engine, pinned) == [("run", "1", "current"), ("run", "2", "withheld")]
    definitions.saw(engine, "gateway", pinned, [tool("run", "3")])
    assert standing(engine, pinned) == [("run", "1", "current"), ("run", "3", "withheld")]


def test_a_server_that_takes_its_change_back_is_as_before(engine: Engine, pinned: str) -> None:
    definitions.saw(engine, "ada", pinned, [tool("run")], trusted=True)
    definitions.saw(engine, "gateway", pinned, [tool("run", "2")])
    assert definitions.saw(engine, "gateway", pinned, [tool("run")]) == ["run"]
    assert standing(engine, pinned) == [("run", "1", "current")]
    definitions.saw(engine, "gateway", pinned, [])
    definitions.saw(engine, "gateway", pinned, [tool("run")])
    assert standing(engine, pinned) == [("run", "1", "current")]


def test_accepting_puts_the_withheld_version_in_force(engine: Engine, pinned: str) -> None:
    definitions.saw(engine, "ada", pinned, [tool("run")], trusted=True)
    definitions.saw(engine, "gateway", pinned, [tool("run", "2")])
    assert definitions.accept(engine, "ada", pinned, ["run"]) == ["run"]
    assert standing(engine, pinned) == [("run", "2", "current")]


def test_a_version_that_was_replaced_by_acceptance_is_withheld_when_it_comes_back(engine: Engine, pinned: str) -> None:
    definitions.saw(engine, "ada", pinned, [tool("run")], trusted=True)
    definitions.saw(engine, "gateway", pinned, [tool("run", "2")])
    definitions.accept(engine, "ada", pinned, ["run"])
    definitions.saw(engine, "gateway", pinned, [tool("run")])
    assert ("run", "1", "withheld") in standing(engine, pinned)


def test_accepting_what_is_not_withheld_changes_nothing_at_all(engine: Engine, pinned: str) -> None:
    definitions.saw(engine, "gateway", pinned, [tool("run")])
    seq = latest_change(engine)
    with pytest.raises(NotStored, match="no version of `wipe` is withheld"):
        definitions.accept(engine, "ada", pinned, ["run", "wipe"])
    assert standing(engine, pinned) == [("run", "1", "withheld")]
    assert latest_change(engine) == seq


def test_a_name_listed_twice_counts_once(engine: Engine, plain: str) -> None:
    twice = [tool("run"), tool("run", "2")]
    assert definitions.saw(engine, "gateway", plain, twice) == ["run"]
    assert definitions.saw(engine, "gateway", plain, twice) == []
    assert standing(engine, plain) == [("run", "2", "current")]


def test_history_is_bounded(engine: Engine, plain: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(definitions, "KEPT_VERSIONS", 5)
    for version in range(12):
        definitions.saw(engine, "gateway", plain, [tool("run", str(version))])
    kept = standing(engine, plain, history=True)
    assert len(kept) == 5
    assert kept[-1] == ("run", "11", "current")


def test_the_negotiated_revision_is_kept_with_the_server(engine: Engine, plain: str) -> None:
    definitions.saw(engine, "gateway", plain, [], protocol_revision="2025-11-25")
    assert servers.get(engine, plain).protocol_revision == "2025-11-25"
    seq = latest_change(engine)
    definitions.saw(engine, "gateway", plain, [], protocol_revision="2025-11-25")
    assert latest_change(engine) == seq


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("list"), st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("123")), max_size=3)),
        st.tuples(st.just("accept"), st.sampled_from("ab")),
    ),
    max_size=8,
)


@settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_nothing_comes_into_force_on_a_pinned_server_unless_it_was_accepted(engine: Engine, steps: list[Any]) -> None:
    server = servers.add(engine, "ada", f"pinned-{uuid.uuid4().hex}", "https://x.example/", pin=True).id
    accepted: set[tuple[str, str]] = set()
    for what, given_to in steps:
        waiting = {(name, version) for name, version, status in standing(engine, server) if status == "withheld"}
        if what == "list":
            definitions.saw(engine, "gateway", server, [tool(name, version) for name, version in given_to])
        elif given_to in dict(waiting):
            definitions.accept(engine, "ada", server, [given_to])
            accepted |= {(name, version) for name, version in waiting if name == given_to}
        found = standing(engine, server)
        assert {(name, version) for name, version, status in found if status == "current"} <= accepted
        assert len({(name, status) for name, _, status in found}) == len(found)
