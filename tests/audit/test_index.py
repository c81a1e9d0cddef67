import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolgate.audit.filters import Filter
from toolgate.audit.index import Index
from toolgate.audit.records import Decision, Entry, Gap, Outcome, Refused, Sum
from toolgate.audit.search import Found, Records
from toolgate.audit.segments import segments
from toolgate.audit.syncing import Pace

from .databases import new_database
from .samples import NOW, decision, open_journal, outcome, rewrite, written

ENTRIES: list[Entry] = [
    decision("a", tool="run", grant_id="0a1b2c", grant_label="ci"),
    outcome("a", status=200),
    decision("b", tool="build", outcome="deny", rule="/tools/build/deny_if/0", time=NOW + 2),
    Sum(time=NOW + 3, grant_id="0a1b2c", rule="/tools/run", count=12, since=NOW, grant_label="ci"),
    Refused(time=NOW + 4, reason="unknown token", addresses="192.0.2.0/24", count=3, since=NOW),
    Gap(time=NOW + 5, cause="full", refused=2, since=NOW, ended=True),
    decision("c", tool="run", grant_id="ffff00", time=NOW + 6),
]


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return new_database(tmp_path)


def index_of(database: Path) -> Index:
    return Index(database, database.parent / "journal")


def indexed(database: Path) -> None:
    with closing(index_of(database)) as index:
        index.catch_up()


def searched(database: Path, wanted: Filter = Filter(), newest: int | None = None) -> list[Found]:  # noqa: B008 (a frozen value)
    indexed(database)
    with closing(Records(database, database.parent / "journal")) as records:
        return list(records.every(wanted, newest))


def found(database: Path, wanted: Filter = Filter(), newest: int | None = None) -> list[str]:  # noqa: B008
    return [_name(entry) for _, entry, _ in searched(database, wanted, newest)]


def _name(entry: Entry) -> str:
    return entry.decision_id if isinstance(entry, Decision) else type(entry).__name__


async def test_a_decision_is_completed_by_its_outcome(database: Path) -> None:
    chain = await written(database.parent / "journal", ENTRIES)
    first = searched(database)[0]
    assert first[0] == chain
    assert isinstance(first[1], Decision)
    assert isinstance(first[2], Outcome)
    assert (first[1].decision_id, first[2].decision_id, first[2].status) == ("a", "a", 200)


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        (Filter(), ["a", "b", "Sum", "Refused", "Gap", "c"]),
        (Filter(grant="ci"), ["a", "Sum"]),
        (Filter(grant="0a1b2c"), ["a", "Sum"]),
        (Filter(grant="0a1b"), ["a", "Sum"]),
        (Filter(grant="0a"), []),
        (Filter(grant="ci' OR 1=1 --"), []),
        (Filter(tool="run"), ["a", "c"]),
        (Filter(outcome="deny"), ["b", "Sum"]),
        (Filter(outcome="refused"), ["Refused"]),
        (Filter(outcome="gap"), ["Gap"]),
        (Filter(since=NOW + 4), ["Refused", "Gap", "c"]),
        (Filter(grant="ci", tool="run", outcome="allow"), ["a"]),
    ],
)
async def test_records_are_found_by_what_they_say(database: Path, wanted: Filter, names: list[str]) -> None:
    await written(database.parent / "journal", ENTRIES)
    assert found(database, wanted) == names


async def test_indexing_goes_on_where_it_stopped_in_a_running_chain(database: Path) -> None:
    journal = open_journal(database.parent / "journal", pace=Pace(segment=1500))
    for number in range(6):
        await journal.record(decision(f"d{number}"))
        assert found(database) == [f"d{before}" for before in range(number + 1)]
    await journal.close()


@settings(max_examples=8, deadline=None)
@given(limits=st.lists(st.integers(1, 4), min_size=1, max_size=6))
def test_batches_of_any_size_and_several_indexers_neither_lose_nor_double(
    tmp_path_factory: pytest.TempPathFactory, limits: list[int]
) -> None:
    data = tmp_path_factory.mktemp("data")
    database = new_database(data)
    _write(data / "journal")
    with closing(index_of(database)) as first, closing(index_of(database)) as second:
        for turn, limit in enumerate(limits):
            (first, second)[turn % 2].step(limit)
    assert found(database) == ["a", "b", "Sum", "Refused", "Gap", "c"]


def _write(directory: Path) -> None:
    import asyncio

    asyncio.run(written(directory, ENTRIES))


async def test_a_batch_that_fails_leaves_neither_rows_nor_a_position(database: Path) -> None:
    await written(database.parent / "journal", ENTRIES)
    with closing(sqlite3.connect(database)) as connection:
        stop = "BEFORE INSERT ON index_positions BEGIN SELECT RAISE(ABORT, 'stop'); END"
        connection.execute(f"CREATE TRIGGER stop {stop}")
        connection.commit()
        with closing(index_of(database)) as index, pytest.raises(sqlite3.IntegrityError, match="stop"):
            index.catch_up()
        assert connection.execute("SELECT count(*) FROM records").fetchone() == (0,)
        assert connection.execute("SELECT count(*) FROM index_positions").fetchone() == (0,)
        connection.execute("DROP TRIGGER stop")
        connection.commit()
    assert len(found(database)) == 6


async def test_lines_that_are_no_entries_are_counted_and_left_out(database: Path) -> None:
    await written(database.parent / "journal", ENTRIES)
    rewrite(segments(database.parent / "journal")[0].path, lambda lines: lines.insert(3, b"junk\n"))
    with closing(index_of(database)) as index:
        index.catch_up()
        assert index.unreadable == 1
    assert len(found(database)) == 6


async def test_forgetting_removes_what_is_older(database: Path) -> None:
    await written(database.parent / "journal", ENTRIES)
    found(database)
    with closing(index_of(database)) as index:
        index.forget(NOW + 4)
    assert found(database) == ["Refused", "Gap", "c"]
