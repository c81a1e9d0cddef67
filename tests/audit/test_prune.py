from pathlib import Path

import pytest

from toolgate.audit.checkpoints import FILE, CheckpointFile
from toolgate.audit.prune import prune
from toolgate.audit.records import EntryUnreadable
from toolgate.audit.segments import segments
from toolgate.audit.syncing import Pace

from .samples import NOW, SIGNER, causes, checked, decision, open_journal, rewrite, written

SMALL = Pace(segment=1500)
LATER = NOW + 10**9


async def aged(directory: Path) -> None:
    """Twelve decisions, 100 s apart, in several segments."""
    journal = open_journal(directory, pace=SMALL)
    for number in range(12):
        await journal.record(decision(f"d{number}", time=NOW + 100 * number))
    await journal.close()


def run(directory: Path, before: float) -> int:
    return len(prune(directory, before, CheckpointFile(directory, SIGNER, "key")))


async def test_old_segments_are_removed_and_the_journal_is_still_valid(tmp_path: Path) -> None:
    await aged(tmp_path)
    count = len(segments(tmp_path))
    removed = run(tmp_path, NOW + 550)
    report = checked(tmp_path)
    assert 0 < removed < count
    assert len(segments(tmp_path)) == count - removed
    assert report.valid
    assert "were pruned" in str(report.notes[0])


async def test_nothing_younger_is_removed(tmp_path: Path) -> None:
    await aged(tmp_path)
    assert run(tmp_path, NOW) == 0
    assert b"pruned" not in (tmp_path / FILE).read_bytes()


async def test_pruning_again_goes_on(tmp_path: Path) -> None:
    await aged(tmp_path)
    for step in (250, 550, 850):
        assert run(tmp_path, NOW + step) > 0
        assert checked(tmp_path).valid


async def test_a_chain_may_be_removed_whole_when_it_has_ended(tmp_path: Path) -> None:
    await aged(tmp_path)
    run(tmp_path, LATER)
    report = checked(tmp_path)
    assert segments(tmp_path) == []
    assert report.valid
    assert "was pruned as a whole" in str(report.notes[0])


async def test_the_newest_segment_of_a_running_chain_stays(tmp_path: Path) -> None:
    journal = open_journal(tmp_path, pace=SMALL)
    for number in range(6):
        await journal.record(decision(f"d{number}"))
    run(tmp_path, LATER)
    assert len(segments(tmp_path)) == 1
    await journal.record(decision("after"))
    await journal.close()
    assert checked(tmp_path).valid


@pytest.mark.parametrize("removed", [0, 1, 3])
async def test_a_kill_between_the_checkpoint_and_the_removal_leaves_a_valid_journal(
    tmp_path: Path, removed: int
) -> None:
    await aged(tmp_path)
    before = {segment.path: segment.path.read_bytes() for segment in segments(tmp_path)}
    gone = prune(tmp_path, NOW + 850, CheckpointFile(tmp_path, SIGNER, "key"))
    for path in gone[removed:]:
        path.write_bytes(before[path])
    assert len(gone) > removed
    assert checked(tmp_path).valid, causes(checked(tmp_path))
    assert run(tmp_path, NOW + 850) == len(gone) - removed
    assert checked(tmp_path).valid


async def test_removing_more_than_was_declared_is_found(tmp_path: Path) -> None:
    await aged(tmp_path)
    run(tmp_path, NOW + 550)
    segments(tmp_path)[0].path.unlink()
    assert "are missing before this line" in causes(checked(tmp_path))


async def test_a_chain_removed_after_a_partial_pruning_is_found(tmp_path: Path) -> None:
    await aged(tmp_path)
    run(tmp_path, NOW + 550)
    for segment in segments(tmp_path):
        segment.path.unlink()
    assert "was removed" in causes(checked(tmp_path))


async def test_what_follows_the_pruned_part_must_follow_from_it(tmp_path: Path) -> None:
    await aged(tmp_path)
    run(tmp_path, NOW + 550)
    rewrite(
        segments(tmp_path)[0].path,
        lambda lines: lines.__setitem__(0, lines[0].replace(b'"prev":"', b'"prev":"0', 1)),
    )
    assert "does not follow from the entry that the pruning ended with" in causes(checked(tmp_path))


async def test_pruning_stops_at_a_line_that_is_no_entry(tmp_path: Path) -> None:
    await written(tmp_path, [decision()])
    rewrite(segments(tmp_path)[0].path, lambda lines: lines.append(b"junk\n"))
    with pytest.raises(EntryUnreadable):
        run(tmp_path, LATER)
    assert len(segments(tmp_path)) == 1
