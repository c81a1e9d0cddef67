import asyncio
import errno
import os
import resource
import stat
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio

from toolgate.audit.journal import Journal, JournalFailed
from toolgate.audit.records import Decision, Gap, Start, read_line
from toolgate.audit.reserve import SIZE
from toolgate.audit.segments import segments
from toolgate.audit.syncing import Fsync, Pace

from .samples import SIGNER, causes, checked, decision, eventually, lines, open_journal, outcome, reserves

EVERY_FSYNC: list[Fsync] = ["always", "interval", "none"]


@pytest_asyncio.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    opened = open_journal(tmp_path)
    yield opened
    await opened.close()


@contextmanager
def no_file_grows_beyond(size: int) -> Iterator[None]:
    """The kernel takes what still fits and refuses the rest: a write that fails halfway, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def size_of(directory: Path) -> int:
    return segments(directory)[-1].path.stat().st_size


def kinds(directory: Path) -> list[str]:
    return [msgspec.json.decode(line)["kind"] for line in lines(directory)]


@pytest.mark.parametrize("fsync", EVERY_FSYNC)
async def test_an_entry_is_in_the_file_when_record_returns(tmp_path: Path, fsync: Fsync) -> None:
    journal = open_journal(tmp_path, fsync)
    await journal.record(decision("first"))
    assert read_line(lines(tmp_path)[-1]) == decision("first", seq=1, prev=_hash_before(tmp_path), node="node")
    await journal.close()


def _hash_before(directory: Path) -> str:
    return str(msgspec.json.decode(lines(directory)[-1])["prev"])


async def test_a_chain_begins_with_its_process_and_its_key_and_ends_with_an_end(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    await journal.close()
    start = read_line(lines(tmp_path)[0])
    assert isinstance(start, Start)
    assert (start.chain, start.pid, start.key_id, start.node) == (journal.chain_id, os.getpid(), "key", "node")
    assert kinds(tmp_path) == ["start", "end"]
    assert checked(tmp_path).valid


async def test_the_end_of_a_call_rides_with_the_next_decision(tmp_path: Path, journal: Journal) -> None:
    await journal.record(decision("a"))
    journal.append(outcome("a"))
    assert kinds(tmp_path) == ["start", "decision"]
    await journal.record(decision("b"))
    assert kinds(tmp_path) == ["start", "decision", "outcome", "decision"]


async def test_the_end_of_a_call_is_written_soon_without_another_decision(tmp_path: Path, journal: Journal) -> None:
    journal.append(outcome("a"))
    await eventually(lambda: kinds(tmp_path) == ["start", "outcome"])


@pytest.mark.parametrize("fsync", EVERY_FSYNC)
async def test_many_callers_at_once_make_one_chain(tmp_path: Path, fsync: Fsync) -> None:
    journal = open_journal(tmp_path, fsync)

    async def call(number: int) -> None:
        await journal.record(decision(f"d{number}"))
        journal.append(outcome(f"d{number}"))

    await asyncio.gather(*(call(number) for number in range(100)))
    await journal.close()
    assert sorted(kinds(tmp_path)) == ["decision"] * 100 + ["end"] + ["outcome"] * 100 + ["start"]
    assert checked(tmp_path).valid


async def test_a_cancelled_caller_harms_no_other(tmp_path: Path) -> None:
    journal = open_journal(tmp_path, "always")
    callers = [asyncio.create_task(journal.record(decision(f"d{number}"))) for number in range(3)]
    await asyncio.sleep(0)
    callers[1].cancel()
    results = await asyncio.gather(*callers, return_exceptions=True)
    await journal.close()
    assert [type(result) for result in results] == [type(None), asyncio.CancelledError, type(None)]
    assert checked(tmp_path).valid


async def test_callers_that_wait_for_the_disk_are_answered_by_the_close(tmp_path: Path) -> None:
    journal = open_journal(tmp_path, "always")
    caller = asyncio.create_task(journal.record(decision()))
    await asyncio.sleep(0)
    await journal.close()
    await asyncio.wait_for(caller, 5)
    assert caller.exception() is None


async def test_a_closed_journal_refuses_entries(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    await journal.close()
    await journal.close()
    with pytest.raises(JournalFailed, match="is closed"):
        await journal.record(decision())
    with pytest.raises(JournalFailed, match="is closed"):
        journal.append(outcome())


async def test_decision_ids_do_not_repeat(tmp_path: Path, journal: Journal) -> None:
    other = open_journal(tmp_path)
    ids = [opened.new_id() for _ in range(100) for opened in (journal, other)]
    await other.close()
    assert len(set(ids)) == 200


async def test_only_the_owner_can_read_the_journal(tmp_path: Path) -> None:
    directory = tmp_path / "data" / "journal"
    journal = open_journal(directory)
    await journal.record(decision())
    modes = {stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()}
    await journal.close()
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert modes == {0o600}


async def test_a_chain_runs_on_through_its_segments(tmp_path: Path) -> None:
    journal = open_journal(tmp_path, pace=Pace(segment=2000))
    for number in range(20):
        await journal.record(decision(f"d{number}"))
    await journal.close()
    files = segments(tmp_path)
    assert [segment.number for segment in files] == list(range(len(files)))
    assert len(files) > 5
    assert all(segment.path.stat().st_size <= 2000 for segment in files)
    assert checked(tmp_path).valid
    assert checked(tmp_path).entries == 22


async def test_a_checkpoint_is_signed_after_so_many_entries(tmp_path: Path) -> None:
    journal = open_journal(tmp_path, pace=Pace(checkpoint_entries=5))
    for number in range(5):
        await journal.record(decision(f"d{number}"))
    await eventually(lambda: b'"periodic"' in (tmp_path / "checkpoints.jsonl").read_bytes())
    assert checked(tmp_path).notes == []
    await journal.close()


async def test_a_checkpoint_is_signed_after_so_many_seconds(tmp_path: Path) -> None:
    journal = open_journal(tmp_path, pace=Pace(checkpoint_seconds=0))
    await journal.record(decision())
    await eventually(lambda: b'"periodic"' in (tmp_path / "checkpoints.jsonl").read_bytes())
    await journal.close()


async def test_an_idle_journal_signs_nothing_more(tmp_path: Path) -> None:
    journal = open_journal(tmp_path, pace=Pace(checkpoint_seconds=0))
    await asyncio.sleep(0.3)
    assert (tmp_path / "checkpoints.jsonl").read_bytes().count(b"\n") == 1
    await journal.close()


async def test_a_write_that_fails_halfway_leaves_no_trace_and_denies(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    journal = open_journal(tmp_path)
    await journal.record(decision("before"))
    before = lines(tmp_path)
    with no_file_grows_beyond(size_of(tmp_path) + 100):
        with pytest.raises(JournalFailed, match="file too large"):
            await journal.record(decision("failed"))
        assert not journal.healthy
        assert lines(tmp_path) == before
        with pytest.raises(JournalFailed):
            await journal.record(decision("also failed"))
    await eventually(lambda: journal.healthy)
    await journal.record(decision("after"))
    await journal.close()
    assert b"failed" not in b"".join(lines(tmp_path))
    assert checked(tmp_path).valid
    said = capfd.readouterr().err.splitlines()
    assert len(said) == 2
    assert "every call is denied" in said[0]
    assert "can be written again" in said[1]


async def test_a_gap_is_an_entry_afterwards_with_what_it_cost(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    with no_file_grows_beyond(size_of(tmp_path)):
        for number in range(3):
            with pytest.raises(JournalFailed):
                await journal.record(decision(f"d{number}"))
    await eventually(lambda: journal.healthy)
    gaps = [entry for entry in map(read_line, lines(tmp_path)) if isinstance(entry, Gap)]
    await journal.close()
    assert [(gap.ended, gap.refused) for gap in gaps] == [(True, 2)]


async def test_ends_of_calls_under_way_are_kept_until_they_can_be_written(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    await journal.record(decision("a"))
    with no_file_grows_beyond(size_of(tmp_path)):
        journal.append(outcome("a"))
        await eventually(lambda: not journal.healthy)
        with pytest.raises(JournalFailed):
            await journal.record(decision("b"))
    await eventually(lambda: journal.healthy)
    await journal.close()
    assert kinds(tmp_path) == ["start", "decision", "outcome", "gap", "end"]
    assert checked(tmp_path).valid


async def test_the_reserve_is_held_while_the_journal_works_and_given_back_at_the_end(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    assert reserves(tmp_path) == [SIZE]
    await journal.close()
    assert reserves(tmp_path) == []


async def test_closing_while_nothing_can_be_written_says_so(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    with no_file_grows_beyond(size_of(tmp_path)), pytest.raises(JournalFailed):
        await journal.close()
    assert reserves(tmp_path) == []


async def test_a_journal_that_cannot_begin_says_why(tmp_path: Path) -> None:
    (tmp_path / "journal").write_text("not a directory")
    with pytest.raises(JournalFailed, match="file exists"):
        Journal.open(tmp_path / "journal", SIGNER, "node")


async def test_entries_that_cannot_be_encoded_harm_no_other(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    broken = decision("broken", charges=(decision().charges[0].__class__("\ud800", "c", 1, 1, 1, "/"),))
    with pytest.raises(UnicodeEncodeError):
        await journal.record(broken)
    await journal.record(decision("fine"))
    await journal.close()
    decisions = [entry for entry in map(read_line, lines(tmp_path)) if isinstance(entry, Decision)]
    assert [entry.decision_id for entry in decisions] == ["fine"]
    assert checked(tmp_path).valid


async def test_when_the_disk_refuses_a_sync_callers_are_denied_and_a_new_segment_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = open_journal(tmp_path, "always")

    def broken(descriptor: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patched:
        patched.setattr("toolgate.audit.segments.sync_data", broken)
        answers = await asyncio.gather(
            *(journal.record(decision(f"d{number}")) for number in range(3)), return_exceptions=True
        )
        assert [type(answer) for answer in answers] == [JournalFailed] * 3
        assert not journal.healthy
    await eventually(lambda: journal.healthy)
    await journal.record(decision("after"))
    await journal.close()
    assert len(segments(tmp_path)) == 2
    assert checked(tmp_path).valid


async def test_a_journal_that_fails_to_begin_leaves_nothing_that_breaks_verification(tmp_path: Path) -> None:
    with no_file_grows_beyond(1000), pytest.raises(JournalFailed, match="file too large"):
        open_journal(tmp_path)
    assert reserves(tmp_path) == []
    await open_journal(tmp_path).close()
    assert checked(tmp_path).valid


@pytest.mark.parametrize("fsync", ["interval", "none"])
@pytest.mark.parametrize("replaced", [False, True])
async def test_a_segment_that_is_taken_away_is_noticed_and_another_begins(
    tmp_path: Path, fsync: Fsync, replaced: bool
) -> None:
    journal = open_journal(tmp_path, fsync)
    path = segments(tmp_path)[0].path
    content = path.read_bytes()
    path.unlink()
    if replaced:
        path.write_bytes(content)
    await journal.record(decision("lost"))
    await eventually(lambda: not journal.healthy)
    await eventually(lambda: journal.healthy)
    await journal.record(decision("after"))
    await journal.close()
    assert b'"decision_id":"after"' in b"".join(lines(tmp_path))
    assert "are missing before this line" in causes(checked(tmp_path))


async def test_calls_are_denied_while_the_directory_is_gone(tmp_path: Path) -> None:
    directory = tmp_path / "journal"
    journal = open_journal(directory)
    await journal.record(decision("before"))
    directory.rename(tmp_path / "gone")
    await eventually(lambda: not journal.healthy)
    with pytest.raises(JournalFailed, match="no such file"):
        await journal.record(decision("denied"))
    (tmp_path / "gone").rename(directory)
    await eventually(lambda: journal.healthy)
    await journal.close()
    assert checked(directory).valid
