"""Each way of tampering, at places that hypothesis chooses; and what is legal and must not be taken for tampering."""

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolgate.audit.chain import ORIGIN, Chain, Head
from toolgate.audit.checkpoints import FILE, CheckpointFile
from toolgate.audit.segments import segment_path, segments
from toolgate.audit.syncing import Pace
from toolgate.audit.verify import verify

from .samples import OTHER_SIGNER, PUBLIC, causes, checked, decision, lines, rewrite, write

COUNT = 12
"""Decisions in the journal under test; with its start and end it has two lines more."""

SMALL = Pace(segment=1500)

places = st.integers(min_value=1, max_value=COUNT)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("original")
    write(directory, COUNT)
    return directory


def tampered(original: Path, change: Callable[[list[bytes]], object], file: str = "") -> str:
    """The problems after this change of the lines of the segment (or of another file)."""
    with TemporaryDirectory() as scratch:
        directory = shutil.copytree(original, Path(scratch) / "journal")
        rewrite(directory / file if file else segments(directory)[0].path, change)
        return causes(checked(directory))


def test_an_untouched_journal_is_valid(original: Path) -> None:
    report = checked(original)
    assert report.valid
    assert (report.chains, report.entries, report.checkpoints, report.notes) == (1, COUNT + 2, 2, [])


def test_an_absent_journal_is_valid_and_empty(tmp_path: Path) -> None:
    assert checked(tmp_path / "none").entries == 0


@settings(max_examples=60, deadline=None)
@given(line=st.integers(0, COUNT + 1), data=st.data())
def test_no_byte_of_any_entry_can_be_changed(original: Path, line: int, data: st.DataObject) -> None:
    content = lines(original)[line]
    place = data.draw(st.integers(0, len(content) - 1))
    other = data.draw(st.integers(0, 255).filter(lambda byte: byte != content[place]))

    def change(all_lines: list[bytes]) -> None:
        all_lines[line] = content[:place] + bytes([other]) + content[place + 1 :]

    assert tampered(original, change)


@settings(max_examples=20, deadline=None)
@given(line=places)
def test_an_edited_entry_is_named_with_its_place(original: Path, line: int) -> None:
    def change(all_lines: list[bytes]) -> None:
        all_lines[line] = all_lines[line].replace(b'"tool":"run"', b'"tool":"ran"')

    problems = tampered(original, change)
    assert f".jsonl:{line + 2}: entry {line + 1} does not follow from the line before" in problems
    assert problems.count("\n") == 0


@settings(max_examples=20, deadline=None)
@given(first=places, count=st.integers(1, 3))
def test_removed_entries_are_named(original: Path, first: int, count: int) -> None:
    last = min(first + count - 1, COUNT)

    def change(all_lines: list[bytes]) -> None:
        del all_lines[first : last + 1]

    assert f":{first + 1}: entries {first} to {last} are missing before this line" in tampered(original, change)


@settings(max_examples=20, deadline=None)
@given(source=places, target=places)
def test_a_moved_entry_is_found(original: Path, source: int, target: int) -> None:
    problems = tampered(original, lambda all_lines: all_lines.insert(target, all_lines.pop(source)))
    assert bool(problems) == (source != target)


@settings(max_examples=20, deadline=None)
@given(line=places)
def test_a_repeated_entry_is_found(original: Path, line: int) -> None:
    problems = tampered(original, lambda all_lines: all_lines.insert(line, all_lines[line]))
    assert f"entry {line} is out of place after entry {line}" in problems


@settings(max_examples=20, deadline=None)
@given(keep=st.integers(1, COUNT + 1))
def test_a_cut_end_is_found_by_the_checkpoint(original: Path, keep: int) -> None:
    def change(all_lines: list[bytes]) -> None:
        del all_lines[keep:]

    problems = tampered(original, change)
    assert f"the end was cut: the chain ends with entry {keep - 1}, but {FILE}:2 signed entry {COUNT + 1}" in problems


@settings(max_examples=20, deadline=None)
@given(line=places)
def test_a_chain_that_was_written_anew_from_some_entry_on_is_found(original: Path, line: int) -> None:
    """Whoever can write the files can make every hash fit, but cannot sign."""

    def change(all_lines: list[bytes]) -> None:
        _write_anew(all_lines, line)

    problems = tampered(original, change)
    assert f"entry {COUNT + 1} is not the one that {FILE}:2 signed" in problems
    assert problems.count("\n") == 0


def _write_anew(all_lines: list[bytes], line: int) -> None:
    for number in range(line, len(all_lines)):
        text = all_lines[number].replace(b'"tool":"run"', b'"tool":"ran"')
        at = text.index(b'"prev":"') + len(b'"prev":"')
        prev = hashlib.sha256(all_lines[number - 1]).hexdigest().encode()
        all_lines[number] = text[:at] + prev + text[at + 64 :]


def test_an_entry_put_behind_the_end_is_found(original: Path) -> None:
    def change(all_lines: list[bytes]) -> None:
        chain = Chain("x", "node")
        chain.rewind((COUNT + 2, checked_hash(all_lines[-1])))
        all_lines.append(chain.link(decision("forged")))

    assert "the chain had ended before this entry" in tampered(original, change)


def checked_hash(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()


@pytest.mark.parametrize("junk", [b"junk\n", b"\n", b"{}\n", b"\xff\xfe\n", b"null\n"])
def test_a_line_that_is_no_entry_is_found(original: Path, junk: bytes) -> None:
    assert ":4: the line is no entry" in tampered(original, lambda all_lines: all_lines.insert(3, junk))


def test_a_removed_chain_is_found(original: Path, tmp_path: Path) -> None:
    directory = shutil.copytree(original, tmp_path / "journal")
    write(directory, 3)
    segments(directory)[0].path.unlink()
    assert f"was removed: it had {COUNT + 2} entries" in causes(checked(directory))


def test_a_chain_under_another_name_is_found(original: Path, tmp_path: Path) -> None:
    directory = shutil.copytree(original, tmp_path / "journal")
    segments(directory)[0].path.rename(segment_path(directory, "20200101T000000Z-000000000000", 0))
    problems = causes(checked(directory))
    assert "was removed" in problems
    assert "no checkpoint knows this chain" in problems


@pytest.mark.parametrize("which", [0, 2, -1])
def test_a_removed_segment_is_found(tmp_path: Path, which: int) -> None:
    write(tmp_path, COUNT, SMALL)
    segments(tmp_path)[which].path.unlink()
    problems = causes(checked(tmp_path))
    assert "are missing before this line" in problems or "the end was cut" in problems


def test_a_torn_line_within_a_chain_is_found(tmp_path: Path) -> None:
    write(tmp_path, COUNT, SMALL)
    with segments(tmp_path)[1].path.open("ab") as file:
        file.write(b'{"kind":"dec')
    assert "the line has no end, but the chain goes on" in causes(checked(tmp_path))


@settings(max_examples=30, deadline=None)
@given(line=st.integers(0, 1), data=st.data())
def test_no_byte_of_a_checkpoint_can_be_changed(original: Path, line: int, data: st.DataObject) -> None:
    content = (original / FILE).read_bytes().splitlines(keepends=True)[line]
    place = data.draw(st.integers(0, len(content) - 2))
    other = data.draw(st.integers(0, 255).filter(lambda byte: byte != content[place]))

    def change(all_lines: list[bytes]) -> None:
        all_lines[line] = content[:place] + bytes([other]) + content[place + 1 :]

    assert tampered(original, change, FILE)


def test_a_checkpoint_of_another_key_is_found(original: Path, tmp_path: Path) -> None:
    directory = shutil.copytree(original, tmp_path / "journal")
    CheckpointFile(directory, OTHER_SIGNER, "stranger").append("closed", "c", Head(1, ORIGIN), 0)
    problems = causes(checked(directory))
    assert problems == f"{FILE}:3: the checkpoint is not signed with the journal's key (it names key `stranger`)"


def test_a_removed_checkpoint_is_found(original: Path) -> None:
    assert f"{FILE}:1: the checkpoint before this one was edited or removed" in tampered(
        original, lambda all_lines: all_lines.pop(0), FILE
    )


def test_without_any_checkpoint_a_chain_is_not_believed(original: Path, tmp_path: Path) -> None:
    directory = shutil.copytree(original, tmp_path / "journal")
    (directory / FILE).unlink()
    assert "no checkpoint knows this chain" in causes(checked(directory))


def test_a_journal_cut_together_with_its_checkpoints_is_found_by_a_copy_of_them(original: Path, tmp_path: Path) -> None:
    directory = shutil.copytree(original, tmp_path / "journal")
    copy = tmp_path / "elsewhere.jsonl"
    shutil.copy(directory / FILE, copy)
    rewrite(segments(directory)[0].path, lambda all_lines: all_lines.pop())
    rewrite(directory / FILE, lambda all_lines: all_lines.pop())
    assert checked(directory).valid
    problems = causes(checked(directory, copy))
    assert "elsewhere.jsonl:2: this checkpoint is missing from the journal's own `checkpoints.jsonl`" in problems
    assert "the end was cut" in problems


def test_an_older_copy_of_the_checkpoints_agrees_with_a_longer_journal(original: Path, tmp_path: Path) -> None:
    directory = shutil.copytree(original, tmp_path / "journal")
    copy = tmp_path / "elsewhere.jsonl"
    shutil.copy(directory / FILE, copy)
    write(directory, 3)
    assert checked(directory, copy).valid


def test_a_torn_checkpoint_at_the_end_is_legal(original: Path, tmp_path: Path) -> None:
    directory = shutil.copytree(original, tmp_path / "journal")
    with (directory / FILE).open("ab") as file:
        file.write(b'{"kind":"checkp')
    report = checked(directory)
    assert report.valid
    assert str(report.notes[0]) == f"{FILE}:3: the last line is torn"
    write(directory, 1)
    assert checked(directory).valid


def test_the_key_decides(original: Path) -> None:
    assert not verify(original, [OTHER_SIGNER.public_key()]).valid
    assert verify(original, [PUBLIC]).valid
