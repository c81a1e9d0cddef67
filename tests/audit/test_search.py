"""Pages of the log: complete, in order, in both directions, and as the filter says."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.audit.databases import new_database
from tests.audit.samples import NOW, decision, open_journal, outcome, written

from toolgate.audit import search
from toolgate.audit.filters import Filter
from toolgate.audit.index import Index
from toolgate.audit.records import Decision, Entry, Refused
from toolgate.audit.search import Found, Page, Place, Records
from toolgate.audit.segments import segments
from toolgate.audit.syncing import Pace
from toolgate.store.directory import database_file


@contextmanager
def indexed(data: Path, *chains: Sequence[Entry], pace: Pace | None = None) -> Iterator[Records]:
    """The records of a journal with these chains."""
    new_database(data)
    for entries in chains:
        asyncio.run(written(data / "journal", entries, *([pace] if pace else [])))
    with closing(Index(database_file(data), data / "journal")) as index:
        index.catch_up()
    records = Records(database_file(data), data / "journal")
    try:
        yield records
    finally:
        records.close()


def ids(found: list[Found]) -> list[str]:
    return [one.entry.decision_id if isinstance(one.entry, Decision) else "" for one in found]


def backwards(records: Records, wanted: Filter, size: int) -> list[Page]:
    pages = [records.page(wanted, size)]
    while (older := pages[-1].older) is not None:
        pages.append(records.page(wanted, size, before=older))
    return pages


MANY: list[Entry] = [
    decision(f"d{number}", time=NOW + number // 3, tool="run" if number % 4 else "rare") for number in range(23)
]
"""Three at each moment: places must tell them apart."""


@pytest.mark.parametrize("size", [1, 2, 3, 5, 23, 50])
def test_pages_show_every_record_once_newest_first(tmp_path: Path, size: int) -> None:
    with indexed(tmp_path, MANY[:9], MANY[9:]) as records:
        shown = [one for page in backwards(records, Filter(), size) for one in page.found]
    assert sorted(ids(shown)) == sorted(f"d{number}" for number in range(23))
    order = [(one.entry.time, one.chain, one.entry.seq) for one in shown]
    assert order == sorted(order, reverse=True)


def test_the_way_back_leads_over_the_same_pages(tmp_path: Path) -> None:
    with indexed(tmp_path, MANY) as records:
        pages = backwards(records, Filter(), 5)
        assert pages[0].newer is None
        again = pages[-2]
        for expected in reversed(pages[:-2]):
            assert again.newer is not None
            again = records.page(Filter(), 5, after=again.newer)
            assert ids(again.found) == ids(expected.found)
        assert again.newer is None


def test_the_way_back_from_behind_the_last_record_ends_at_the_newest_page(tmp_path: Path) -> None:
    with indexed(tmp_path, MANY) as records:
        behind = records.page(Filter(), 5, before=Place(NOW - 1, "", 0))
        assert (behind.found, behind.older) == ([], None)
        assert behind.newer is not None
        assert ids(records.page(Filter(), 50, after=behind.newer).found) == ids(records.page(Filter(), 50).found)


def test_what_is_rare_is_looked_for_piece_by_piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "LOOK_AT_MOST", 4)
    with indexed(tmp_path, MANY) as records:
        pages = backwards(records, Filter(tool="rare"), 50)
        assert len(pages) > 3
        assert pages[0].looked_back_to is not None
        assert pages[-1].looked_back_to is None
        assert ids([one for page in pages for one in page.found]) == ["d20", "d16", "d12", "d8", "d4", "d0"]
        assert len(records.page(Filter(), 50).found) == 23


@pytest.mark.parametrize("near", [1, 3, 10, 22, 100])
def test_what_is_rare_is_found_in_order_wherever_it_lies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, near: int
) -> None:
    monkeypatch.setattr(search, "_NEAR", near)
    with indexed(tmp_path, MANY[12:], MANY[:12]) as records:
        shown = [one for page in backwards(records, Filter(tool="rare"), 2) for one in page.found]
    assert ids(shown) == ["d20", "d16", "d12", "d8", "d4", "d0"]


def test_a_place_survives_its_text_and_nothing_else_is_one() -> None:
    place = Place(NOW + 0.123456, "20261122T134352Z-73ffbfd45ded", 12)
    assert Place.of(place.text()) == place
    for wrong in ("", "x", "!!!!", "AAAA", place.text()[:-6] + "_____-", "é"):
        if wrong != place.text():
            try:
                read = Place.of(wrong)
            except ValueError:
                continue
            assert read != place


def test_all_are_read_oldest_first_and_the_newest_alone_on_demand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "_CHUNK", 4)
    with indexed(tmp_path, MANY) as records:
        assert ids(list(records.every(Filter()))) == [f"d{number}" for number in range(23)]
        assert ids(list(records.every(Filter(tool="rare")))) == ["d0", "d4", "d8", "d12", "d16", "d20"]
        assert ids(list(records.every(Filter(), newest=3))) == ["d20", "d21", "d22"]
        assert ids(list(records.every(Filter(), newest=99))) == [f"d{number}" for number in range(23)]


def test_one_decision_is_found_by_its_id_in_its_organisation_alone(tmp_path: Path) -> None:
    own = decision("mine", organisation="x")
    with indexed(
        tmp_path, [own, outcome("mine", status=201), Refused(time=NOW, reason="r", addresses="a", count=1, since=NOW)]
    ) as records:
        found = records.one("mine", ("x",))
        assert found is not None
        assert found.outcome is not None
        assert found.outcome.status == 201
        assert records.one("mine", ("y", "")) is None
        assert records.one("none", ("x",)) is None
        assert records.one("", ("x", "")) is None


def test_new_rows_are_told_from_those_that_were_there(tmp_path: Path) -> None:
    with indexed(tmp_path, MANY[:2]) as records:
        newest = records.newest()
        assert records.since(newest, 10) == []
        asyncio.run(written(tmp_path / "journal", MANY[2:6]))
        with closing(Index(database_file(tmp_path), tmp_path / "journal")) as index:
            index.catch_up()
        assert [record.decision_id for record in records.since(newest, 3)] == ["d2", "d3", "d4"]
        assert records.newest() == newest + 4


def test_lines_over_many_segments_are_found(tmp_path: Path) -> None:
    long = [decision(f"d{number}", message="m" * 900 * (number % 5), time=NOW + number) for number in range(60)]
    with indexed(tmp_path, long, pace=Pace(segment=1500)) as records:
        assert len(segments(tmp_path / "journal")) > 20
        assert ids(list(records.every(Filter()))) == [f"d{number}" for number in range(60)]


def test_records_whose_lines_are_gone_are_counted_not_shown(tmp_path: Path) -> None:
    with indexed(tmp_path, MANY[:3], MANY[3:5]) as records:
        os.unlink(segments(tmp_path / "journal")[0].path)
        page = records.page(Filter())
        assert (ids(page.found), page.gone) == (["d4", "d3"], 3)


def test_a_line_that_was_changed_under_the_index_is_not_taken_for_another(tmp_path: Path) -> None:
    with indexed(tmp_path, MANY[:3]) as records:
        path = segments(tmp_path / "journal")[0].path
        path.write_bytes(b"\n" * 200 + path.read_bytes())
        page = records.page(Filter())
        assert (page.found, page.gone) == ([], 3)


async def test_reading_does_not_hold_up_the_indexer(tmp_path: Path) -> None:
    new_database(tmp_path)
    journal = open_journal(tmp_path / "journal")
    with closing(Index(database_file(tmp_path), tmp_path / "journal")) as index:
        records = Records(database_file(tmp_path), tmp_path / "journal")
        for number in range(4):
            await journal.record(decision(f"d{number}", time=NOW + number))
        index.catch_up()
        half_read = records.every(Filter())
        assert ids([next(half_read)]) == ["d0"]
        await journal.record(decision("d4", time=NOW + 4))
        index.catch_up()
        assert ids(list(half_read)) == ["d1", "d2", "d3"]
        assert ids(records.page(Filter()).found)[0] == "d4"
        records.close()
    await journal.close()


words = st.sampled_from(["", "run", "RUN", "r_n", "100%", "a\\b", "ü", "deny", "ci", "0a1b", "0a1b2c"])
somebody = st.builds(
    lambda grant, label, tool, rule, message, outcome_, time, principal, organisation: decision(
        "d",
        grant_id=grant,
        grant_label=label,
        tool=tool,
        rule=rule,
        message=message,
        outcome=outcome_,
        time=time,
        principal=principal,
        organisation=organisation,
    ),
    st.sampled_from(["0a1b2c", "0a1bff", "ffff00"]),
    words,
    words,
    words,
    words,
    st.sampled_from(["allow", "deny", "wait"]),
    st.integers(0, 4).map(lambda second: NOW + second),
    words,
    st.sampled_from(["", "x", "y"]),
)
wanteds = st.builds(
    Filter,
    grant=words,
    tool=words,
    outcome=st.sampled_from(["", "allow", "deny"]),
    rule=words,
    text=words,
    since=st.sampled_from([0.0, NOW, NOW + 2]),
    until=st.sampled_from([0.0, NOW + 2, NOW + 9]),
    organisations=st.sampled_from([(), ("x",), ("x", "")]),
)


@settings(max_examples=30, deadline=None)
@given(entries=st.lists(somebody, min_size=1, max_size=12), wanted=st.lists(wanteds, min_size=1, max_size=20))
def test_a_live_record_matches_exactly_when_the_log_finds_it(
    tmp_path_factory: pytest.TempPathFactory, entries: list[Entry], wanted: list[Filter]
) -> None:
    with indexed(tmp_path_factory.mktemp("data"), entries) as records:
        briefs = records.since(0, 100)
        for one in wanted:
            found = {found.entry.seq for found in records.every(one)}
            assert {brief.seq for brief in briefs if one.matches(brief)} == found
