"""Events however they are written and however their bytes arrive."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolgate.protocol.sse import Event, EventTooLong, SseParser

LIMIT = 1000


def events(*chunks: bytes) -> list[Event]:
    parser = SseParser(LIMIT)
    return [event for chunk in chunks for event in parser.feed(chunk)]


def datas(*chunks: bytes) -> list[bytes]:
    return [event.data for event in events(*chunks) if event.data]


def one(stream: bytes) -> Event:
    (event,) = [event for event in events(stream) if event.raw.strip()]
    return event


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_every_line_ending_ends_lines(end: bytes) -> None:
    stream = end.join([b"event: message", b"id: 7", b"retry: 10", b"data: a", b"data:b", b"", b"data: c", b"", b""])
    first, second = (event for event in events(stream) if event.data)
    assert (first.data, first.id, first.event, first.retry) == (b"a\nb", b"7", b"message", 10)
    assert (second.data, second.id, second.event, second.retry) == (b"c", None, None, None)


def test_one_space_after_the_colon_belongs_to_the_syntax() -> None:
    assert datas(b"data:  two\n\n") == [b" two"]
    assert datas(b"data:\ttab\n\n") == [b"\ttab"]


def test_a_name_alone_is_a_field_with_an_empty_value() -> None:
    assert one(b"data\ndata\nid\n\n").data == b"\n"
    assert one(b"data\nid\n\n").id == b""


@pytest.mark.parametrize("line", [b"Data: x", b" data: x", b"data : x", b"dataa: x", b"datum: x", b":data: x"])
def test_other_names_are_no_data(line: bytes) -> None:
    assert datas(line + b"\n\n") == []


def test_an_event_with_an_id_and_empty_data_keeps_its_bytes() -> None:
    """The first event of a resumable stream in revision 2025-11-25."""
    event = one(b"id: 1\nretry: 500\ndata: \n\n")
    assert (event.data, event.id, event.retry, event.raw) == (b"", b"1", 500, b"id: 1\nretry: 500\ndata: \n\n")


def test_an_id_with_a_nul_is_no_id() -> None:
    assert one(b"id: 1\nid: a\0b\ndata: x\n\n").id == b"1"


@pytest.mark.parametrize(
    ("text", "retry"), [(b"10", 10), (b"1.5", None), (b"-1", None), (b"", None), (b"9" * 40, None)]
)
def test_retry_is_digits_only(text: bytes, retry: int | None) -> None:
    assert one(b"data: x\nretry: " + text + b"\n\n").retry == retry


def test_a_comment_passes_at_once_and_alone() -> None:
    parser = SseParser(LIMIT)
    assert [event.raw for event in parser.feed(b": ping\n")] == [b": ping\n"]
    assert [event.raw for event in parser.feed(b"\ndata: x\n")] == [b"\n"]
    assert [event.data for event in parser.feed(b": inside\ndata: y\n\n")] == [b"x\ny"]


def test_a_byte_order_mark_counts_at_the_start_only() -> None:
    mark = b"\xef\xbb\xbf"
    assert datas(mark + b"data: x\n\n") == [b"x"]
    assert datas(b"\xef", b"\xbb", b"\xbfdata: x\n\n") == [b"x"]
    assert datas(b"data: x\n\n" + mark + b"data: y\n\n") == [b"x"]
    assert datas(mark + mark + b"data: x\n\n") == []


def test_what_the_stream_leaves_open_is_no_event() -> None:
    parser = SseParser(LIMIT)
    assert parser.feed(b"data: x\ndata: y") == []
    assert parser.rest == b"data: x\ndata: y"
    begun = SseParser(LIMIT)
    begun.feed(b"\xef")
    assert begun.rest == b"\xef"


@pytest.mark.parametrize("size", [1, 7, 5000])
@pytest.mark.parametrize(
    "stream", [b"data: " + b"x" * 2000, b"data: x\n" * 300, b"id: 1\ndata: %s\n\n" % (b"x" * 2000)]
)
def test_an_event_above_the_limit_ends_the_reading(stream: bytes, size: int) -> None:
    with pytest.raises(EventTooLong, match="more than 1000 bytes"):
        events(*(stream[at : at + size] for at in range(0, len(stream), size)))


def test_many_events_within_the_limit_pass_in_one_chunk() -> None:
    assert len(datas(b"data: x\n\n" * 1000)) == 1000


def test_replaced_data_keeps_every_other_line() -> None:
    event = one(b"id: 1\r\n: note\r\ndata: a\r\nevent: message\r\ndata: b\r\nretry: 5\r\n\r\n")
    text = event.replaced(b'{"a":1}')
    assert text == b'id: 1\r\n: note\r\ndata: {"a":1}\nevent: message\r\nretry: 5\r\n\r\n'


@given(st.lists(st.sampled_from([b"id: 1", b"data: x", b"data", b"event: e", b": c", b"retry: 1"]), min_size=1))
def test_replaced_data_is_what_a_reader_then_finds(lines: list[bytes]) -> None:
    stream = b"\r".join([b"data: first", *lines, b"", b""])
    before = one(stream)
    after = one(before.replaced(b"line 1\nline 2"))
    assert after.data == b"line 1\nline 2"
    assert (after.id, after.event, after.retry) == (before.id, before.event, before.retry)


def naive(stream: bytes) -> list[bytes]:
    """The data of every dispatched event, by the rules of the standard in their plainest form."""
    lines = stream.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")[:-1]
    found, buffer = [], b""
    for line in lines:
        name, _, value = line.partition(b":")
        if not line:
            found.append(buffer[:-1])
            buffer = b""
        elif name == b"data":
            buffer += value.removeprefix(b" ") + b"\n"
    return [data for data in found if data]


STREAMS = st.lists(
    st.sampled_from(
        [b"\n", b"\r", b"\r\n", b"\n\n", b"data:", b"data: x", b"id: 1", b":", b" ", b"x", b"\xef\xbb\xbf", b"\xef"]
    )
).map(b"".join)


@given(STREAMS, st.lists(st.integers(0, 60)))
def test_cuts_change_neither_the_bytes_nor_the_events(stream: bytes, cuts: list[int]) -> None:
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    parser = SseParser(10_000)
    found = [event for start, end in pairwise(edges) for event in parser.feed(stream[start:end])]
    assert b"".join(event.raw for event in found) + parser.rest == stream
    assert [event.data for event in found if event.data] == naive(stream)
