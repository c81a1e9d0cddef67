"""What tools are taken for: stored with their versions, lowered by people alone, and by no other lexicon."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from toolgate.classifier import classify
from toolgate.classifier.classify import Classification
from toolgate.policy.categories import Category
from toolgate.store import definitions, events, judgements, judging, servers, tables
from toolgate.store.database import latest_change, writing
from toolgate.store.definitions import Seen
from toolgate.store.errors import Conflict, NotStored
from toolgate.store.judgements import Chosen
from toolgate.store.servers import Registration
from toolgate.store.view import View

pytestmark = pytest.mark.slow

READS = "Get the text of a page"
DELETES = "Permanently delete the page; this cannot be undone"
MOVES = "Transfer funds to another account, moves money"
SAYS: dict[str, Category] = {READS: "Read", DELETES: "Destructive", MOVES: "Financial"}


def tool(name: str, description: str, **more: object) -> Seen:
    text = json.dumps({"name": name, "description": description, **more})
    return Seen(name, hashlib.sha256(text.encode()).hexdigest(), text)


@pytest.fixture(autouse=True)
def lexicon(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[str], str]]:
    """A lexicon of three sentences, so that these tests hang on no word of the real one; returns what it was asked."""
    asked: list[tuple[list[str], str]] = []

    def say(tools: Sequence[dict[str, str]], server: str) -> list[Classification]:
        asked.append(([one["name"] for one in tools], server))
        return [Classification(SAYS[one["description"]], "Low", "high", (), ()) for one in tools]

    monkeypatch.setattr(classify, "classify_all", say)
    return asked


@pytest.fixture
def plain(engine: Engine) -> str:
    return servers.add(engine, "ada", "wiki", "https://wiki.example/mcp").id


@pytest.fixture
def pinned(engine: Engine) -> str:
    return servers.add(engine, "ada", "crm", "https://crm.example/mcp", pin=True).id


def see(engine: Engine, server: str, *tools: Seen, trusted: bool = False, complete: bool = True) -> None:
    definitions.saw(engine, "gateway", server, tools, trusted=trusted, complete=complete)


def taken(engine: Engine, server: str, status: str = "current") -> dict[str, str | None]:
    return {row.name: row.category for row in definitions.of_server(engine, server) if row.status == status}


def judge(engine: Engine, server: str, name: str, category: Category, fingerprint: str = "") -> None:
    judgements.judge(engine, "ada", server, [Chosen(name, category, fingerprint)])


def forget(engine: Engine) -> None:
    """As in a database of a release that judged nothing."""
    with engine.execution_options(writes=True).begin() as connection:
        connection.execute(sa.update(tables.definitions).values(category=None, judged_by=""))


def test_a_version_is_judged_when_it_is_stored_and_says_by_whom(engine: Engine, plain: str) -> None:
    see(engine, plain, tool("page", READS), tool("drop", DELETES))
    assert taken(engine, plain) == {"page": "Read", "drop": "Destructive"}
    assert {row.judged_by for row in definitions.of_server(engine, plain)} == {judging.lexicon()}


def test_a_tool_that_comes_later_is_judged_beside_the_others(
    engine: Engine, plain: str, lexicon: list[tuple[list[str], str]]
) -> None:
    see(engine, plain, tool("page", READS), tool("drop", DELETES))
    see(engine, plain, tool("pay", MOVES), complete=False)
    assert lexicon[-1] == (["drop", "page", "pay"], "wiki")
    assert taken(engine, plain)["pay"] == "Financial"


def test_a_list_that_says_nothing_new_is_not_judged_again(
    engine: Engine, plain: str, lexicon: list[tuple[list[str], str]]
) -> None:
    see(engine, plain, tool("page", READS))
    see(engine, plain, tool("page", READS))
    assert len(lexicon) == 1


def test_a_change_that_makes_a_tool_riskier_counts_at_once(engine: Engine, plain: str) -> None:
    see(engine, plain, tool("page", READS))
    see(engine, plain, tool("page", DELETES))
    assert taken(engine, plain) == {"page": "Destructive"}


def test_a_server_cannot_talk_a_tool_down(engine: Engine, plain: str) -> None:
    see(engine, plain, tool("page", DELETES))
    see(engine, plain, tool("page", READS))
    assert taken(engine, plain) == {"page": "Destructive"}


def test_a_tool_that_was_gone_is_still_what_it_was(engine: Engine, plain: str) -> None:
    see(engine, plain, tool("page", DELETES), tool("other", READS))
    see(engine, plain, tool("other", READS))
    see(engine, plain, tool("page", READS), tool("other", READS))
    assert taken(engine, plain) == {"page": "Destructive", "other": "Read"}


def test_a_server_that_shows_two_versions_in_turns_has_the_riskier_one(engine: Engine, plain: str) -> None:
    see(engine, plain, tool("page", READS))
    for description in (DELETES, READS, DELETES, READS):
        see(engine, plain, tool("page", description))
        assert taken(engine, plain) == {"page": "Destructive"}


def test_a_flood_of_versions_washes_no_category_away(engine: Engine, plain: str) -> None:
    see(engine, plain, tool("page", DELETES))
    for number in range(definitions.KEPT_VERSIONS + 5):
        see(engine, plain, tool("page", READS, number=number))
    assert taken(engine, plain) == {"page": "Destructive"}


def test_a_flood_of_withheld_versions_washes_no_category_away(engine: Engine, pinned: str) -> None:
    see(engine, pinned, tool("page", DELETES), trusted=True)
    see(engine, pinned)
    for number in range(definitions.KEPT_VERSIONS + 5):
        see(engine, pinned, tool("page", READS, number=number))
    with writing(engine, "ada") as change:
        servers.amend(change, pinned, Registration(pin=False, url="https://crm.example/mcp"), None)
    see(engine, pinned, tool("page", READS))
    assert taken(engine, pinned) == {"page": "Destructive"}


def test_a_name_that_is_listed_twice_is_what_its_last_definition_says(engine: Engine, plain: str) -> None:
    see(engine, plain, tool("page", READS), tool("page", DELETES))
    assert taken(engine, plain) == {"page": "Destructive"}


def test_on_a_pinned_server_the_category_is_accepted_with_the_version(engine: Engine, pinned: str) -> None:
    see(engine, pinned, tool("page", DELETES), trusted=True)
    see(engine, pinned, tool("page", READS))
    assert taken(engine, pinned) == {"page": "Destructive"}
    assert taken(engine, pinned, "withheld") == {"page": "Read"}
    definitions.accept(engine, "ada", pinned, ["page"])
    assert taken(engine, pinned) == {"page": "Read"}


def test_the_gateway_sees_only_what_is_accepted(engine: Engine, data: Path, pinned: str) -> None:
    see(engine, pinned, tool("page", READS), trusted=True)
    see(engine, pinned, tool("page", DELETES), tool("pay", MOVES))
    rows = View.open(data).definitions(pinned)
    assert {name: row.category for name, row in rows.items()} == {"page": "Read", "pay": None}


def test_a_person_judges_at_once_with_an_event(engine: Engine, data: Path, plain: str) -> None:
    see(engine, plain, tool("page", READS), tool("drop", DELETES))
    view = View.open(data)
    judge(engine, plain, "page", "Financial")
    assert [change.kind for change in view.refresh()] == ["definitions"]
    assert view.definitions(plain)["page"].category == "Financial"
    row = definitions.of_server(engine, plain, tool="page")[0]
    assert row.judged_by == "ada"
    event = events.newest(engine)[0]
    assert (event.actor, event.action, event.kind, event.target) == ("ada", "judge", "definitions", plain)
    assert (event.before, event.after) == (
        {"categories": {"page": "Read"}},
        {"categories": {"page": "Financial"}, "judged_by": ["ada"]},
    )


def test_a_judgement_that_changes_nothing_tells_nobody(engine: Engine, plain: str) -> None:
    see(engine, plain, tool("page", READS))
    seq = latest_change(engine)
    judge(engine, plain, "page", "Read")
    assert latest_change(engine) == seq
    assert definitions.of_server(engine, plain)[0].judged_by == judging.lexicon()


def test_a_person_may_lower_what_no_server_can_until_it_gets_riskier(engine: Engine, plain: str) -> None:
    see(engine, plain, tool("page", DELETES))
    judge(engine, plain, "page", "Read")
    see(engine, plain, tool("page", DELETES))
    assert taken(engine, plain) == {"page": "Read"}
    see(engine, plain, tool("page", READS))
    assert taken(engine, plain) == {"page": "Read"}
    see(engine, plain, tool("page", MOVES))
    assert taken(engine, plain) == {"page": "Financial"}


def test_what_a_person_lowered_is_not_raised_by_a_version_that_left_long_ago(engine: Engine, plain: str) -> None:
    see(engine, plain, tool("page", DELETES))
    see(engine, plain)
    see(engine, plain, tool("page", READS))
    judge(engine, plain, "page", "Read")
    see(engine, plain, tool("page", READS, title="Page"))
    assert taken(engine, plain) == {"page": "Read"}


def test_what_a_person_raised_stays_so_when_the_definition_changes(engine: Engine, plain: str) -> None:
    see(engine, plain, tool("page", READS))
    judge(engine, plain, "page", "Destructive")
    see(engine, plain, tool("page", READS, title="Page"))
    row = definitions.of_server(engine, plain)[0]
    assert (row.category, row.judged_by) == ("Destructive", "ada")


def test_only_the_version_that_was_shown_is_judged(engine: Engine, plain: str) -> None:
    shown = tool("page", READS)
    see(engine, plain, shown)
    see(engine, plain, tool("page", READS, title="Page"))
    with pytest.raises(Conflict, match="has another definition than the one that was shown"):
        judge(engine, plain, "page", "Write", shown.fingerprint)
    with pytest.raises(NotStored, match="has no tool `nothing`"):
        judge(engine, plain, "nothing", "Write")
    assert taken(engine, plain) == {"page": "Read"}


def test_another_lexicon_changes_nothing_that_is_stored(
    engine: Engine, plain: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    see(engine, plain, tool("page", READS))
    monkeypatch.setitem(SAYS, READS, "Execute")
    monkeypatch.setattr(judging, "lexicon", lambda: "lexicon 99")
    see(engine, plain, tool("page", READS))
    assert judgements.judge_known(engine, "gateway") == 0
    assert taken(engine, plain) == {"page": "Read"}
    [proposal] = judgements.proposals(engine, plain)
    assert (proposal.judgement.category, proposal.classification.category, proposal.differs) == (
        "Read",
        "Execute",
        True,
    )


def test_tools_of_an_older_database_are_judged_when_they_are_next_seen(engine: Engine, data: Path, plain: str) -> None:
    see(engine, plain, tool("page", READS))
    forget(engine)
    view = View.open(data)
    assert view.definitions(plain)["page"].category is None
    see(engine, plain, tool("page", READS))
    view.refresh()
    assert view.definitions(plain)["page"].category == "Read"


def test_tools_of_an_older_database_are_judged_once_and_for_every_organisation(
    engine: Engine, data: Path, plain: str, pinned: str
) -> None:
    see(engine, plain, tool("page", READS), tool("drop", DELETES))
    see(engine, pinned, tool("page", READS), trusted=True)
    see(engine, pinned, tool("page", MOVES))
    forget(engine)
    view = View.open(data)
    assert judgements.judge_known(engine, "gateway") == 4
    assert judgements.judge_known(engine, "gateway") == 0
    assert taken(engine, plain) == {"page": "Read", "drop": "Destructive"}
    assert (taken(engine, pinned), taken(engine, pinned, "withheld")) == ({"page": "Read"}, {"page": "Financial"})
    assert {change.id for change in view.refresh()} == {plain, pinned}


def test_a_word_that_is_no_category_counts_as_none(engine: Engine, data: Path, plain: str) -> None:
    see(engine, plain, tool("page", READS))
    with engine.execution_options(writes=True).begin() as connection:
        connection.execute(sa.update(tables.definitions).values(category="Harmless"))
    assert View.open(data).definitions(plain)["page"].category is None
    assert definitions.of_server(engine, plain)[0].category is None


def test_what_no_lexicon_can_read_is_stored_all_the_same_and_judged_as_nothing(
    engine: Engine, plain: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(tools: object, server: str) -> list[Classification]:
        raise RecursionError

    see(engine, plain, tool("page", READS))
    monkeypatch.setattr(classify, "classify_all", fail)
    see(engine, plain, tool("page", READS), tool("odd", READS))
    assert taken(engine, plain) == {"page": "Read", "odd": None}
    assert judgements.judge_known(engine, "gateway") == 0
    assert "the tools of server wiki could not be judged: RecursionError" in capsys.readouterr().err


def test_a_definition_that_no_lexicon_can_read_washes_no_category_away(
    engine: Engine, plain: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = classify.classify_all

    def fail(tools: Sequence[dict[str, str]], server: str) -> list[Classification]:
        if any("odd" in one for one in tools):
            raise RecursionError
        return real(tools, server)

    see(engine, plain, tool("page", DELETES), tool("note", DELETES))
    monkeypatch.setattr(classify, "classify_all", fail)
    see(engine, plain, tool("page", READS, odd=1), tool("note", READS, odd=1))
    assert taken(engine, plain) == {"page": None, "note": None}
    see(engine, plain, tool("page", READS), tool("note", READS, odd=1), complete=False)
    see(engine, plain, tool("page", READS), complete=False)
    monkeypatch.setattr(classify, "classify_all", real)
    see(engine, plain, tool("page", READS), complete=False)
    assert taken(engine, plain) == {"page": "Destructive", "note": None}
    assert judgements.judge_known(engine, "gateway") == 1
    assert taken(engine, plain) == {"page": "Destructive", "note": "Destructive"}
