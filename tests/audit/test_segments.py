from pathlib import Path

import psutil
from hypothesis import given, settings
from hypothesis import strategies as st

from toolgate.audit.segments import SegmentWriter, by_chain, last_whole_line, segment_path, segments

CHAIN = "20260101T000000Z-0123456789ab"


@settings(max_examples=100, deadline=None)
@given(st.lists(st.binary(max_size=9).map(lambda line: line.replace(b"\n", b"") * 3000)), st.binary(max_size=20))
def test_the_last_whole_line_is_found_in_any_file(tmp_path_factory: object, whole: list[bytes], torn: bytes) -> None:
    path = Path(str(tmp_path_factory.getbasetemp())) / "file"  # type: ignore[attr-defined]
    content = b"".join(line + b"\n" for line in whole)
    path.write_bytes(content + torn.replace(b"\n", b""))
    with path.open("rb") as file:
        assert last_whole_line(file.fileno()) == (len(content), whole[-1] + b"\n" if whole else b"")


def test_only_segments_are_taken_for_segments(tmp_path: Path) -> None:
    for name in ("checkpoints.jsonl", f"{CHAIN}.reserve", f"{CHAIN}.000000.jsonl.old", "x.000000.jsonl"):
        (tmp_path / name).touch()
    for number in (1_000_000, 2, 10):
        segment_path(tmp_path, CHAIN, number).touch()
    assert [segment.number for segment in segments(tmp_path)] == [2, 10, 1_000_000]
    assert list(by_chain(tmp_path)) == [CHAIN]


def test_lines_are_appended_and_a_long_one_still_has_a_place(tmp_path: Path) -> None:
    writer = SegmentWriter(tmp_path, CHAIN, limit=10)
    for data in (b"1234\n", b"5678\n", b"a line longer than a segment\n", b"9\n"):
        writer.append(data)
    writer.sync()
    writer.close()
    contents = [segment.path.read_bytes() for segment in segments(tmp_path)]
    assert contents == [b"1234\n5678\n", b"a line longer than a segment\n", b"9\n"]


def test_a_sync_closes_the_segments_before_the_newest(tmp_path: Path) -> None:
    writer = SegmentWriter(tmp_path, CHAIN, limit=1)
    before = psutil.Process().num_fds()
    for _ in range(5):
        writer.append(b"line\n")
    writer.sync()
    assert psutil.Process().num_fds() == before
    writer.close()
