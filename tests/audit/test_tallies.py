"""The counts are exact: however the journal is read, each entry counts once, and a sum as many times as it says."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.audit.databases import new_database
from tests.audit.samples import NOW, decision, outcome, written

from toolgate.audit.index import Index
from toolgate.audit.records import Decision, Entry, Gap, Refused, Sum
from toolgate.audit.search import Records
from toolgate.audit.tallies import HOUR, Counts
from toolgate.store import grants, servers
from toolgate.store.database import open_database
from toolgate.store.directory import database_file
from toolgate.store.tables import DEFAULT_ORGANISATION

Table = list[tuple[object, ...]]
EVERYTHING = "SELECT * FROM tallies ORDER BY 1, 2, 3, 4"


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return new_database(tmp_path)


def step(database: Path, limit: int) -> int:
    with closing(Index(database, database.parent / "journal")) as index:
        return index.step(limit)


def index_all(database: Path) -> None:
    with closing(Index(database, database.parent / "journal")) as index:
        index.catch_up()


def table(database: Path) -> Table:
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute(EVERYTHING).fetchall()


def clear(database: Path, *names: str) -> None:
    with closing(sqlite3.connect(database)) as connection:
        for name in names:
            connection.execute(f"DELETE FROM {name}")
        connection.commit()


entry = st.builds(
    lambda kind, hours, who, count: made(kind, NOW + hours * HOUR, who, count),
    st.sampled_from(["allow", "deny", "wait", "sum", "refused", "gap", "outcome"]),
    st.integers(0, 3),
    st.sampled_from("ab"),
    st.integers(1, 50),
)


def made(kind: str, time: float, who: str, count: int) -> Entry:
    names: dict[str, Any] = {"grant_id": who, "server_id": f"server {who}", "rule": f"/tools/{who}"}
    match kind:
        case "sum":
            return Sum(time=time, count=count, since=time, **names)
        case "refused":
            return Refused(time=time, reason=f"reason {who}", addresses="192.0.2.0/24", count=count, since=time)
        case "gap":
            return Gap(time=time, cause="full", since=time, refused=count, ended=True)
        case "outcome":
            return outcome("d", time=time)
        case _:
            return decision("d", time=time, outcome=kind, organisation=f"organisation {who}", **names)


def counted(entries: list[Entry]) -> Counter[tuple[object, ...]]:
    """What the table must say, one outcome at a time, computed in the plainest way."""
    expected: Counter[tuple[object, ...]] = Counter()
    place: str
    for one in entries:
        hour = int(one.time // HOUR)
        if isinstance(one, Decision):
            names = [("server", one.server_id), ("grant", one.grant_id), ("rule", one.rule)]
            place, organisation, number = one.outcome, one.organisation, 1
        elif isinstance(one, Sum):
            names = [("server", one.server_id), ("grant", one.grant_id), ("rule", one.rule)]
            place, organisation, number = "deny", "", one.count
        elif isinstance(one, Refused):
            names, place, organisation, number = [("reason", one.reason)], "refused", "", one.count
        elif isinstance(one, Gap):
            names, place, organisation, number = [("rule", "(store)")], "deny", "", one.refused
        else:
            continue
        expected[organisation, "", hour, "", place] += number
        for kind, name in ((kind, name) for kind, name in names if name):
            expected[organisation, kind, hour, name, place] += number
            expected[organisation, f"{kind} day", hour - hour % 24, name, place] += number
    return expected


def as_counter(rows: Table) -> Counter[tuple[object, ...]]:
    places = ("allow", "deny", "wait", "refused")
    cells = {(*row[:4], place): number for row in rows for place, number in zip(places, row[4:], strict=True)}
    return Counter({key: number for key, number in cells.items() if number})


@settings(max_examples=25, deadline=None)
@given(entries=st.lists(entry, max_size=25), limits=st.lists(st.integers(1, 7), max_size=5))
def test_counts_are_those_of_the_journal_in_whatever_steps_it_is_read(
    tmp_path_factory: pytest.TempPathFactory, entries: list[Entry], limits: list[int]
) -> None:
    database = new_database(tmp_path_factory.mktemp("data"))
    asyncio.run(written(database.parent / "journal", entries))
    for limit in limits:
        step(database, limit)
    index_all(database)
    incremental = table(database)
    assert as_counter(incremental) == counted(entries)
    clear(database, "records", "index_positions", "tallies")
    index_all(database)
    assert table(database) == incremental


async def test_an_entry_that_is_met_twice_counts_once(database: Path) -> None:
    entries = [decision("a"), outcome("a"), decision("b", outcome="deny", time=NOW + 2)]
    await written(database.parent / "journal", entries)
    step(database, 2)
    clear(database, "index_positions")
    index_all(database)
    assert as_counter(table(database)) == counted(entries)
    clear(database, "index_positions")
    index_all(database)
    assert as_counter(table(database)) == counted(entries)
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("SELECT decision_id, result FROM records ORDER BY seq").fetchall() == [
            ("a", "result"),
            ("b", None),
        ]


async def test_a_sum_belongs_to_the_organisation_of_its_grant(tmp_path: Path) -> None:
    new_database(tmp_path)
    engine = open_database(tmp_path)
    server = servers.add(engine, "test", "files", "http://127.0.0.1:9/mcp")
    grant = grants.add(engine, "test", server=server.id, policy=None, label="ci").grant
    engine.dispose()
    await written(tmp_path / "journal", [Sum(time=NOW, grant_id=grant.id, rule="(default deny)", count=9, since=NOW)])
    index_all(database_file(tmp_path))
    records = Records(database_file(tmp_path), tmp_path / "journal")
    assert records.hours((DEFAULT_ORGANISATION,), 0) == {int(NOW // HOUR): Counts(denied=9)}
    assert records.hours(("another",), 0) == {}
    records.close()


async def test_rankings_are_of_the_organisations_and_hours_asked_for(database: Path) -> None:
    entries = [
        decision("a", organisation="x", server_id="one"),
        decision("b", organisation="x", server_id="one", outcome="deny", rule="/tools/run", time=NOW + HOUR),
        decision("c", organisation="y", server_id="two"),
    ]
    await written(database.parent / "journal", entries)
    index_all(database)
    records, hour = Records(database, database.parent / "journal"), int(NOW // HOUR)
    one, two = ("one", Counts(allowed=1, denied=1)), ("two", Counts(allowed=1))
    assert records.ranking("server", ("x",), hour, 8) == [one]
    assert records.ranking("server", ("x", "y"), hour, 8) == [one, two]
    assert records.ranking("server", ("x", "y"), hour, 1) == [one]
    assert records.ranking("server", ("x",), hour + 1, 8) == [("one", Counts(denied=1))]
    assert records.ranking("rule", ("x",), hour, 8) == [("/tools/run", Counts(denied=1))]
    assert records.ranking("reason", ("x",), hour, 8) == []
    assert records.ever("server", ("x", ""), "one")
    assert not records.ever("server", ("y",), "one")
    assert not records.ever("grant", ("x",), "one")
    records.close()


async def test_forgetting_takes_the_whole_hours_before(database: Path) -> None:
    await written(database.parent / "journal", [decision("a"), decision("b", time=NOW + 2 * HOUR)])
    index_all(database)
    with closing(Index(database, database.parent / "journal")) as index:
        index.forget(NOW + 2 * HOUR)
    assert {row[2] for row in table(database) if not str(row[1]).endswith("day")} == {int(NOW // HOUR) + 2}


async def test_a_day_is_forgotten_with_its_last_hour(database: Path) -> None:
    midnight = NOW - NOW % 86_400
    entries = [decision("a", server_id="s", time=midnight), decision("b", server_id="s", time=midnight + 20 * HOUR)]
    await written(database.parent / "journal", entries)
    index_all(database)
    records, known = Records(database, database.parent / "journal"), (entries[0].organisation,)
    with closing(Index(database, database.parent / "journal")) as index:
        index.forget(midnight + 20 * HOUR)
        assert records.ever("server", known, "s")
        index.forget(midnight + 24 * HOUR)
    assert not records.ever("server", known, "s")
    records.close()


async def test_a_ranking_counts_each_hour_of_its_span_once_over_midnights(database: Path) -> None:
    midnight = NOW - NOW % 86_400
    entries = [decision(f"d{hour}", server_id="s", time=midnight + hour * HOUR) for hour in range(-30, 60)]
    await written(database.parent / "journal", entries)
    index_all(database)
    records, first = Records(database, database.parent / "journal"), int(midnight // HOUR)
    for hour in (-30, -25, -24, -7, 0, 1, 23, 24, 47, 59):
        found = records.ranking("server", (entries[0].organisation,), first + hour, 8)
        assert found == [("s", Counts(allowed=60 - hour))]
    records.close()


async def test_two_that_index_at_once_count_each_entry_once(database: Path) -> None:
    entries: list[Entry] = [decision(f"d{number}", time=NOW + number) for number in range(90)]
    await written(database.parent / "journal", entries)

    def work() -> int:
        with closing(Index(database, database.parent / "journal")) as index:
            return sum(iter(lambda: index.step(3), 0))

    with ThreadPoolExecutor(2) as pool:
        shares = [future.result() for future in [pool.submit(work), pool.submit(work)]]
    assert sum(shares) == 92  # with the beginning and the end of the chain
    assert as_counter(table(database)) == counted(entries)
