from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from toolgate.audit.reader import ends, entries, follow
from toolgate.audit.records import read_line
from toolgate.audit.segments import segments
from toolgate.audit.syncing import Pace

from .samples import lines, write


def test_every_line_is_read_in_the_order_of_the_chains(tmp_path: Path) -> None:
    chains = [write(tmp_path, 5, Pace(segment=1500)) for _ in range(2)]
    found = list(entries(tmp_path))
    assert [located.line for located in found] == lines(tmp_path)
    assert {located.chain for located in found} == set(chains)


def test_an_absent_journal_has_no_entries(tmp_path: Path) -> None:
    assert list(entries(tmp_path / "none")) == []


@settings(max_examples=20, deadline=None)
@given(place=st.integers(0, 13))
def test_reading_goes_on_from_any_position(tmp_path_factory: object, place: int) -> None:
    directory = _journal(tmp_path_factory)
    found = list(entries(directory))
    rest = list(entries(directory, {found[place].chain: found[place].after}))
    assert rest == found[place + 1 :]


def _journal(tmp_path_factory: object) -> Path:
    directory = Path(str(tmp_path_factory.getbasetemp())) / "journal"  # type: ignore[attr-defined]
    if not directory.exists():
        write(directory, 12, Pace(segment=1500))
    return directory


def test_a_torn_line_is_read_when_it_is_whole(tmp_path: Path) -> None:
    write(tmp_path, 1)
    path = segments(tmp_path)[0].path
    content = path.read_bytes()
    path.write_bytes(content[:-5])
    first = list(entries(tmp_path))
    path.write_bytes(content)
    rest = list(entries(tmp_path, {first[-1].chain: first[-1].after}))
    assert [located.line for located in first + rest] == lines(tmp_path)


def test_following_shows_what_comes_and_nothing_before(tmp_path: Path) -> None:
    write(tmp_path, 2)
    comes = iter([1, 0, 3])
    seen = follow(tmp_path, ends(tmp_path), pause=lambda: write(tmp_path, next(comes)))
    kinds = [type(read_line(next(seen).line)).__name__ for _ in range(10)]
    assert kinds == ["Start", "Decision", "End", "Start", "End", "Start", "Decision", "Decision", "Decision", "End"]


def test_following_goes_on_within_a_running_chain(tmp_path: Path) -> None:
    write(tmp_path, 1)
    path = segments(tmp_path)[0].path
    content = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(content[0])
    seen = follow(tmp_path, {}, pause=lambda: path.write_bytes(b"".join(content)))
    assert [next(seen).line for _ in content] == content
