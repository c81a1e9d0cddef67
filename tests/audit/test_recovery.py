"""What a new process does about chains whose process died."""

import asyncio
from pathlib import Path

import pytest

from toolgate.audit.chain import Chain
from toolgate.audit.checkpoints import FILE
from toolgate.audit.journal import Journal
from toolgate.audit.segments import segment_path, segments
from toolgate.audit.syncing import Pace

from .samples import causes, checked, decision, open_journal, reserves, rewrite, write


async def abandoned(directory: Path, count: int, pace: Pace = Pace()) -> Journal:  # noqa: B008 (a frozen value)
    journal = open_journal(directory, pace=pace)
    for number in range(count):
        await journal.record(decision(f"d{number}"))
    return journal


def die(journal: Journal) -> None:
    """What the kernel does with the files of a killed process: closes them, which frees the lock."""
    journal._writer.close()
    journal._syncer._closed = True


async def test_a_dead_chain_is_sealed_by_the_next_start(tmp_path: Path) -> None:
    die(await abandoned(tmp_path, 3))
    assert "not yet covered" in str(checked(tmp_path).notes[0])
    await open_journal(tmp_path).close()
    report = checked(tmp_path)
    assert report.valid
    assert report.notes == []


async def test_a_tail_cut_after_the_sealing_is_found(tmp_path: Path) -> None:
    die(await abandoned(tmp_path, 3))
    first = segments(tmp_path)[0].path
    await open_journal(tmp_path).close()
    rewrite(first, lambda lines: lines.pop())
    assert "the end was cut" in causes(checked(tmp_path))


@pytest.mark.parametrize("tail", [b"{", b'{"kind":"decision","time":1', b"\0" * 100, b"\0" * 1_000_000])
async def test_a_torn_tail_is_legal_before_and_after_the_sealing(tmp_path: Path, tail: bytes) -> None:
    die(await abandoned(tmp_path, 3))
    with segments(tmp_path)[0].path.open("ab") as file:
        file.write(tail)
    for report in (checked(tmp_path), await _after_a_start(tmp_path)):
        assert report.valid
        assert f"the last line is torn ({len(tail)} bytes)" in str(report.notes[0])


async def _after_a_start(directory: Path):  # type: ignore[no-untyped-def]
    await open_journal(directory).close()
    return checked(directory)


async def test_a_chain_that_died_right_after_a_new_segment_is_sealed_at_the_one_before(tmp_path: Path) -> None:
    journal = await abandoned(tmp_path, 3)
    journal._writer.rotate()
    die(journal)
    await open_journal(tmp_path).close()
    report = checked(tmp_path)
    assert report.valid
    assert report.notes == []


async def test_a_living_chain_is_left_alone(tmp_path: Path) -> None:
    living = await abandoned(tmp_path, 3, Pace(segment=1000))
    await open_journal(tmp_path).close()
    assert b'"sealed"' not in (tmp_path / FILE).read_bytes()
    await living.close()
    assert checked(tmp_path).valid


async def test_the_reserve_of_a_dead_process_is_freed(tmp_path: Path) -> None:
    die(await abandoned(tmp_path, 1))
    assert len(reserves(tmp_path)) == 1
    await open_journal(tmp_path).close()
    assert reserves(tmp_path) == []


async def test_a_file_that_somebody_put_there_is_not_sealed(tmp_path: Path) -> None:
    chain = Chain("20200101T000000Z-000000000000", "node")
    forged = chain.link(decision("a")) + chain.link(decision("b"))
    segment_path(tmp_path, chain.id, 0).write_bytes(forged)
    await open_journal(tmp_path).close()
    assert "no checkpoint knows this chain" in causes(checked(tmp_path))


async def test_a_process_that_died_before_its_first_checkpoint_leaves_a_legal_journal(tmp_path: Path) -> None:
    chain = Chain("20200101T000000Z-000000000000", "node")
    segment_path(tmp_path, chain.id, 0).write_bytes(chain.link(decision("a")))
    report = checked(tmp_path)
    assert report.valid
    assert "stopped while it started" in str(report.notes[0])


def test_processes_may_start_at_the_same_time(tmp_path: Path) -> None:
    async def both() -> None:
        journals = [open_journal(tmp_path) for _ in range(3)]
        await asyncio.gather(*(journal.record(decision(journal.new_id())) for journal in journals))
        await asyncio.gather(*(journal.close() for journal in journals))

    asyncio.run(both())
    assert checked(tmp_path).valid
    assert checked(tmp_path).chains == 3


def test_an_ended_chain_is_not_sealed_again(tmp_path: Path) -> None:
    for _ in range(3):
        write(tmp_path, 1)
    assert (tmp_path / FILE).read_bytes().count(b"\n") == 6
