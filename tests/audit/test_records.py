import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolgate.audit.records import (
    LINE_LIMIT,
    AnyEntry,
    Decision,
    End,
    EntryUnreadable,
    Gap,
    LimitFacts,
    Outcome,
    Refused,
    Start,
    Sum,
    line_of,
    read_line,
)

from .samples import NOW, decision, outcome

EVERY_KIND: list[AnyEntry] = [
    Start(time=NOW, chain="c", pid=1, version="1", key_id="k", public_key="p"),
    decision(limit=LimitFacts("calls", 1, 2, None), request_id="r-1"),
    outcome(settled={"grant:g1": 5}, code=-32000),
    Refused(time=NOW, reason="unknown token", addresses="192.0.2.0/24", count=3, since=NOW - 1),
    Sum(time=NOW, grant_id="g1", rule="/tools/run", count=12, since=NOW - 1),
    Gap(time=NOW, cause="no space left on device", refused=4, since=NOW - 1),
    End(time=NOW),
]


@pytest.mark.parametrize("entry", EVERY_KIND, ids=lambda entry: type(entry).__name__)
def test_every_kind_of_entry_is_read_back_as_it_was(entry: AnyEntry) -> None:
    assert read_line(line_of(entry)) == entry


@pytest.mark.parametrize("entry", EVERY_KIND, ids=lambda entry: type(entry).__name__)
def test_the_kind_is_the_first_member_of_a_line(entry: AnyEntry) -> None:
    kind = type(entry).__name__.lower()
    assert line_of(entry).startswith(b'{"kind":"%s","time":' % kind.encode())


@given(st.text(), st.text(), st.lists(st.text(), max_size=5))
def test_no_text_of_a_client_ends_its_line_or_makes_another_entry(tool: str, message: str, names: list[str]) -> None:
    entry = decision(tool=tool, message=message, argument_names=tuple(names))
    line = line_of(entry)
    assert line.count(b"\n") == 1
    assert line.endswith(b"}\n")
    assert read_line(line) == entry


def test_a_forged_record_in_a_tool_name_stays_a_name() -> None:
    forged = 'run"}\n{"kind":"decision","outcome":"allow"}\n'
    read = read_line(line_of(decision(tool=forged)))
    assert isinstance(read, Decision)
    assert read.tool == forged


@given(st.characters(min_codepoint=0x80, max_codepoint=0x9F) | st.sampled_from("\x1b\u2028\u2029\u202e\u2066\r\0"))
def test_nothing_in_a_line_acts_on_the_terminal_that_shows_it(character: str) -> None:
    line = line_of(decision(tool=f"a{character}b"))
    assert character not in line.decode()
    assert read_line(line) == decision(tool=f"a{character}b")


def test_a_decision_with_huge_texts_is_cut_and_says_so() -> None:
    huge = "x" * 1_000_000
    entry = decision(tool=huge, message=huge, request_id=huge, argument_names=(huge[:1000],) * 1000)
    line = line_of(entry)
    read = read_line(line)
    assert len(line) <= 2 * LINE_LIMIT
    assert isinstance(read, Decision)
    assert read.clipped
    assert read.tool == huge[:256]
    assert read.charges == entry.charges


def test_a_lone_surrogate_is_replaced_and_the_entry_is_still_written() -> None:
    read = read_line(line_of(decision(tool="a\ud800")))
    assert isinstance(read, Decision)
    assert read.tool == "a?"
    ended = read_line(line_of(outcome(settled={"\ud800": 1})))
    assert isinstance(ended, Outcome)
    assert ended.settled == {"?": 1}


@given(st.integers(min_value=0, max_value=10**40))
def test_amounts_of_any_size_are_exact(amount: int) -> None:
    entry = outcome(settled={"key": amount})
    assert b'"settled":{"key":%d}' % amount in line_of(entry)


@pytest.mark.parametrize("line", [b"", b"{}\n", b"null\n", b'{"kind":"x"}\n', b'{"kind":"end"}\n', b"\xff\n"])
def test_what_is_no_entry_is_refused(line: bytes) -> None:
    with pytest.raises(EntryUnreadable):
        read_line(line)


def test_fields_without_content_take_no_room() -> None:
    assert set(msgspec.json.decode(line_of(End(time=NOW)))) == {"kind", "time"}


def test_a_decision_of_a_release_that_judged_no_tools_is_read_and_says_nothing_of_it() -> None:
    older = b'{"kind":"decision","time":1.5,"seq":1,"prev":"ab","decision_id":"d","outcome":"allow","tool":"run"}'
    entry = read_line(older)
    assert isinstance(entry, Decision)
    assert (entry.tool, entry.category, entry.risk) == ("run", "", "")
    assert line_of(entry) == older + b"\n"
