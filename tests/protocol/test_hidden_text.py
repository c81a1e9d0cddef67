"""Hidden characters in JSON text: every way to write one is found, and nothing else is touched."""

from __future__ import annotations

import json
import random

import pytest

from toolgate.protocol.hidden_text import Filter, NoJson, is_plain, suspicious, without, without_in_plain

HIDDEN = {
    "escape": "\x1b",
    "backspace": "\x08",
    "form feed": "\x0c",
    "delete": "\x7f",
    "next line": "\x85",
    "control sequence introducer": "\x9b",
    "zero-width space": "\u200b",
    "right-to-left override": "\u202e",
    "word joiner": "\u2060",
    "invisible plus": "\u2064",
    "isolate": "\u2066",
    "inhibit swapping": "\u206a",
    "byte order mark inside": "\ufeff",
    "annotation": "\ufff9",
    "tag": "\U000e0041",
    "first of the tags": "\U000e0000",
    "last of the tags": "\U000e007f",
    "return alone": "\r",
}
KEPT = "tab\t line\n both\r\n é ß “quotes” … nbsp\xa0 joined\u200d\u200c marks\u200e\u200f \ufe0f\U0001f600 \U000e0100"


def escaped(character: str, *, upper: bool) -> str:
    units = character.encode("utf-16-be").hex()
    return "".join(
        rf"\u{units[at : at + 4].upper() if upper else units[at : at + 4]}" for at in range(0, len(units), 4)
    )


def ways(character: str) -> list[bytes]:
    """A message with the character in the middle of a string, written in every way."""
    written = [escaped(character, upper=True), escaped(character, upper=False)]
    written += [json.dumps(character, ensure_ascii=False)[1:-1], *({"\x7f": ["\x7f"]}.get(character, []))]
    return [f'{{"a":"x{way}y","n":1.0}}'.encode() for way in written]


@pytest.mark.parametrize("character", HIDDEN.values(), ids=list(HIDDEN))
def test_a_hidden_character_is_taken_out_however_it_is_written(character: str) -> None:
    for message in ways(character):
        assert without(message) == (b'{"a":"xy","n":1.0}', 1), message


@pytest.mark.parametrize("character", HIDDEN.values(), ids=list(HIDDEN))
def test_names_of_members_are_text_too(character: str) -> None:
    message = json.dumps({f"na{character}me": 1}).encode()
    assert without(message) == (b'{"name": 1}', 1)


def test_what_people_see_and_what_scripts_need_stays_byte_for_byte() -> None:
    for message in (json.dumps([KEPT]).encode(), json.dumps([KEPT], ensure_ascii=False).encode()):
        text, removed = without(message)
        assert text is message
        assert removed == 0


def test_an_escaped_backslash_before_the_letters_of_an_escape_is_no_escape() -> None:
    for message in (rb'"\\u202e"', rb'"\\\\u202e"', rb'"c:\\b\\f\\r\\u001b"', rb'"\\udb40\\udc41"'):
        assert without(message) == (message, 0)
    assert without(rb'"\\\u202e\\"') == (rb'"\\\\"', 1)


def test_the_other_half_of_the_block_and_its_neighbours_stay() -> None:
    for character in ("\U000dffff", "\U000e0080", "\u200a", "\u202f", "\u2070", "\ufffc", "\xa0"):
        for message in (json.dumps(character).encode(), json.dumps(character, ensure_ascii=False).encode()):
            assert without(message) == (message, 0), hex(ord(character))


def test_a_byte_order_mark_stays_only_where_a_text_begins() -> None:
    for mark in ("\ufeff".encode(), rb"\ufeff", rb"\uFEFF"):
        kept = b'{"a": "%bid,name","%bb":["%b"]}' % (mark, mark, mark)
        assert without(kept) == (kept, 0)
        assert without(b'{"a":"%b%bx"}' % (mark, mark)) == (b'{"a":"%bx"}' % mark, 1)
        assert without(rb'{"a":"say: \"%bx"}' % mark) == (rb'{"a":"say: \"x"}', 1)


def test_a_return_stays_only_before_a_line_feed() -> None:
    assert without(rb'"a\r\nb\u000d\u000ac\r\u000Ad\u000D\n"') == (rb'"a\r\nb\u000d\u000ac\r\u000Ad\u000D\n"', 0)
    assert without(rb'"a\r\r\nb\r\\n\r"') == (rb'"a\r\nb\\n"', 3)


@pytest.mark.parametrize(
    "message",
    [
        b'"\\\xe2\x80\x8bu202e"',
        b'"\\u20\xe2\x80\x8b2e"',
        b'"\\u\x1b202e"',
        rb'"\udb40\u200b\udc41"',
        b'"\xf3\xa0\xe2\x80\x8b\x81\x81"',
        b'"\xc0\x9b\x7f"',
        b'"\xed\xad\x80\xed\xb1\x81\x7f"',
    ],
    ids=["escape", "digits", "letter", "pair", "character", "overlong", "surrogates as utf-8"],
)
def test_nothing_new_can_be_made_by_taking_something_out(message: bytes) -> None:
    with pytest.raises(NoJson):
        without(message)


def test_a_stream_is_cleaned_the_same_wherever_it_is_cut() -> None:
    parts = [way for character in HIDDEN.values() for way in ways(character)]
    message = b"[" + b",".join([*parts, json.dumps(KEPT).encode(), rb'"\\u202e\\\u202e","\ufeffa"']) + b"]"
    whole, removed = without(message)
    assert removed > 40
    for size in (1, 2, 3, 5, 7, 11, 16, 23, 24, 25, 64):
        taking = Filter()
        pieces = [taking.feed(message[at : at + size]) for at in range(0, len(message), size)]
        assert (b"".join(pieces) + taking.end(), taking.removed) == (whole, removed), size


def test_a_stream_holds_back_no_more_than_it_must() -> None:
    taking = Filter()
    assert len(taking.feed(b"x" * 1000)) > 950
    assert taking.end() == b"x" * (1000 - 976)


def test_a_stream_that_ends_inside_a_character_is_refused() -> None:
    taking = Filter()
    taking.feed(b'"\xe2\x80')
    with pytest.raises(NoJson):
        taking.end()


def test_random_texts_lose_exactly_their_hidden_characters() -> None:
    draw = random.Random(6)
    letters = [*HIDDEN.values(), *KEPT, "\\", '"', "u", "2", "0", "e"]
    for _ in range(300):
        said = "".join(draw.choices(letters, k=draw.randrange(30)))
        for plain in (True, False):
            text, removed = without(json.dumps([said], ensure_ascii=plain).encode())
            assert json.loads(text) == [without_in_plain(said)]
            assert removed == len(said) - len(without_in_plain(said))
            assert is_plain(said) == (removed == 0)


def test_ordinary_messages_are_not_even_looked_into() -> None:
    assert not suspicious(
        json.dumps({"text": 'a "quoted" line\n\tand a path /\\ é' + "“x”"}, ensure_ascii=False).encode()
    )
