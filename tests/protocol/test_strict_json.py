"""Strict reading: what is refused, what arrives, and that reading in slices is the same reading."""

from __future__ import annotations

import json
from collections.abc import Generator
from random import Random

import jiter
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolgate.protocol import json_cuts
from toolgate.protocol.malformed import PARSE_ERROR, Malformed
from toolgate.protocol.strict_json import fold, read, read_slowly

REFUSED = {
    "an empty body": b"",
    "white space alone": b" \n",
    "two values": b"1 2",
    "two values with a comma": b"1,2",
    "two containers": b"{},{}",
    "two lines": b"{}\n{}",
    "a BOM": b"\xef\xbb\xbf{}",
    "UTF-16 with a BOM": "{}".encode("utf-16"),
    "UTF-16 without a BOM": '{"a":1}'.encode("utf-16-le"),
    "UTF-32": "{}".encode("utf-32-be"),
    "an overlong slash": b'"\xc0\xaf"',
    "an invalid byte": b'"\xff"',
    "a surrogate as UTF-8": b'"\xed\xa0\x80"',
    "a code point beyond Unicode": b'"\xf4\x90\x80\x80"',
    "a high surrogate alone": rb'"\ud800"',
    "a low surrogate alone": rb'"\udc00"',
    "surrogates in the wrong order": rb'"\ude00\ud83d"',
    "a high surrogate before a letter": rb'"\ud83d\u0041"',
    "a lone surrogate in a key": rb'{"\ud800":1}',
    "NaN": b'{"a":NaN}',
    "Infinity": b"[Infinity]",
    "minus Infinity": b"[-Infinity]",
    "an overflowing exponent": b'{"a":1e400}',
    "a negative overflow": b"[-1e400]",
    "an overflowing integer": b"1" + b"0" * 309,
    "an integer of 5,000 digits": b"1" * 5000,
    "a huge exponent": b"1e999999999999999999999",
    "a leading zero": b"01",
    "a plus": b"+1",
    "a hexadecimal number": b"0x10",
    "a bare fraction": b".5",
    "a fraction without digits": b"1.",
    "a single quote": b"{'a':1}",
    "a bare key": b"{a:1}",
    "a comment": b"/* */ 1",
    "a trailing comma in an array": b"[1,]",
    "a trailing comma in an object": b'{"a":1,}',
    "a leading comma": b"[,1]",
    "two commas": b"[1,,2]",
    "a comma at the end": b"1,",
    "a missing value": b'{"a":}',
    "a missing colon": b'{"a" 1}',
    "strings side by side": b'"a""b"',
    "an unclosed array": b"[1",
    "an unclosed object": b'{"a":1',
    "an unclosed string": b'"abc',
    "an unclosed escape": b'"abc\\',
    "a bracket too many": b"[1]]",
    "brackets of two kinds": b'[{"a":1]}',
    "a raw control character": b'"\x01"',
    "a raw newline": b'"a\nb"',
    "a raw NUL": b'"\x00"',
    "a NUL after the value": b"{}\x00",
    "a form feed as white space": b"\x0c1",
    "a no-break space as white space": b"\xc2\xa01",
    "an invalid escape": rb'"\x41"',
    "a quote outside of a string": rb"[\"1,2\"]",
    "duplicate keys": b'{"a":1,"a":1}',
    "duplicate keys after unescaping": rb'{"name":1,"na\u006de":2}',
    "duplicate keys far below": b'[[{"x":{"a":1,"b":2,"a":3}}]]',
    "keys equal but for case": b'{"name":1,"Name":2}',
    "keys equal but for the long s": '{"params":1,"paramſ":2}'.encode(),
    "keys equal but for the kelvin sign": '{"k":1,"\u212a":2}'.encode(),
    "keys equal but for full width": '{"name":1,"ｎame":2}'.encode(),
    "keys equal but for a ligature": '{"file":1,"ﬁle":2}'.encode(),
    "keys equal but for sharp s": '{"strasse":1,"straße":2}'.encode(),
    "keys equal but for composition": '{"é":1,"e\u0301":2}'.encode(),
    "65 levels of arrays": b"[" * 65 + b"]" * 65,
    "65 levels of objects": b'{"a":' * 64 + b"{}" + b"}" * 64,
    "100,000 levels": b"[" * 100_000,
    "100,001 values": b"[" + b",".join([b"1"] * 100_000) + b"]",
}

ACCEPTED = {
    "a literal": b"null",
    "white space around": b" \t\r\n[ 1 , 2 ] ",
    "an escaped NUL": rb'"\u0000"',
    "an escaped surrogate pair": rb'"\ud83d\ude00"',
    "DEL": b'"\x7f"',
    "a noncharacter": '"\uffff"'.encode(),
    "minus zero": b"[-0,-0.0,-0e5]",
    "an underflow": b"1e-400",
    "the largest double": b"1.7976931348623157e308",
    "an integer of 308 digits": b"9" * 308,
    "keys in several cases": b'{"progressToken":1,"userId":2,"X":3}',
    "keys without letters": b'{"1":1,"2":2}',
    "keys beyond ASCII": '{"größe":1,"Länge":2}'.encode(),
    "one key in several objects": b'[{"a":1},{"A":1}]',
    "64 levels": b"[" * 64 + b"]" * 64,
    "64 levels of objects around a value": b'{"a":' * 64 + b"1" + b"}" * 64,
    "100,000 values": b"[" + b",".join([b"1"] * 99_999) + b"]",
    "commas and brackets in strings": rb'{"a,]}":"[{,\\\",]","b":["\\"]}',
}


def finished(reading: Generator[None, None, object]) -> object:
    while True:
        try:
            next(reading)
        except StopIteration as end:
            return end.value


def outcome(body: bytes, *, slowly: bool) -> str:
    """The value with its types and number texts, or that it was refused."""
    try:
        return repr(finished(read_slowly(body)) if slowly else read(body))
    except Malformed:
        return "refused"


@pytest.fixture(params=[2, 3, 7, 16 * 1024], ids=lambda size: f"window{size}")
def window(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(json_cuts, "WINDOW", request.param)
    return int(request.param)


@pytest.mark.parametrize("body", REFUSED.values(), ids=REFUSED.keys())
def test_refused_at_once(body: bytes) -> None:
    with pytest.raises(Malformed) as refusal:
        read(body)
    assert refusal.value.code == PARSE_ERROR
    assert refusal.value.id is None
    assert len(str(refusal.value)) < 500


@pytest.mark.parametrize("body", [body for body in REFUSED.values() if len(body) < 10_000])
def test_refused_in_slices(body: bytes, window: int) -> None:
    with pytest.raises(Malformed):
        finished(read_slowly(body))


@pytest.mark.parametrize("body", [REFUSED["100,000 levels"], REFUSED["100,001 values"]])
def test_long_bodies_are_refused_in_slices(body: bytes) -> None:
    with pytest.raises(Malformed):
        finished(read_slowly(body))


@pytest.mark.parametrize("body", ACCEPTED.values(), ids=ACCEPTED.keys())
def test_accepted_with_the_meaning_that_others_read(body: bytes) -> None:
    assert as_doubles(read(body)) == as_doubles(json.loads(body))
    assert outcome(body, slowly=True) == outcome(body, slowly=False)


@pytest.mark.parametrize("body", [body for body in ACCEPTED.values() if len(body) < 10_000])
def test_accepted_in_slices(body: bytes, window: int) -> None:
    assert outcome(body, slowly=True) == repr(read(body))


def as_doubles(value: object) -> object:
    if isinstance(value, dict):
        return {key: as_doubles(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_doubles(item) for item in value]
    if isinstance(value, bool) or not isinstance(value, int | float | jiter.LosslessFloat):
        return value
    return float(value)


def test_number_texts_are_kept() -> None:
    value = read(b"[1.0,1e2,12345678901234567890123,100.00000000000000001]")
    assert (
        repr(value)
        == "[LosslessFloat(1.0), LosslessFloat(1e2), 12345678901234567890123, LosslessFloat(100.00000000000000001)]"
    )


def test_a_refusal_names_the_key() -> None:
    with pytest.raises(Malformed, match="read like `Name`"):
        read(b'{"name":1,"Name":2}')


def test_a_refusal_does_not_repeat_a_long_key() -> None:
    with pytest.raises(Malformed) as refusal:
        read(b'{"%s":1,"%s":2}' % (b"k" * 9999, b"K" * 9999))
    assert len(str(refusal.value)) < 500


@pytest.mark.parametrize("pair", [("ß", "SS"), ("\u017f", "S"), ("\u212a", "k"), ("ǆ", "ǅ"), ("Σ", "ς"), ("①", "1")])
def test_folding_makes_equal_what_lenient_readers_take_for_equal(pair: tuple[str, str]) -> None:
    assert fold(pair[0]) == fold(pair[1])


@given(st.text(max_size=20))
def test_folding_ignores_case(key: str) -> None:
    assert fold(key) == fold(fold(key))
    assert fold(key) == fold(key.casefold())


# Long texts with few kinds of tokens meet every rule often; the windows are tiny, so every cut is tried.
TOKENS = st.sampled_from(
    [
        "[",
        "]",
        "{",
        "}",
        ",",
        ",",
        ":",
        '"a"',
        '"A"',
        '"b"',
        '"c,"',
        '"\\""',
        '"\\\\"',
        '"',
        "\\",
        "1",
        "1.5",
        "1e999",
        "null",
        " ",
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=3), inner, max_size=6),
    max_leaves=40,
)


def slowly_with(size: int, body: bytes) -> str:
    before, json_cuts.WINDOW = json_cuts.WINDOW, size
    try:
        return outcome(body, slowly=True)
    finally:
        json_cuts.WINDOW = before


@given(st.lists(TOKENS, max_size=40).map("".join), st.integers(2, 12))
@settings(max_examples=400)
def test_reading_in_slices_equals_reading_at_once_on_token_soup(text: str, size: int) -> None:
    assert slowly_with(size, text.encode()) == outcome(text.encode(), slowly=False)


@given(VALUES, st.booleans(), st.integers(2, 40))
@settings(max_examples=300)
def test_reading_in_slices_equals_reading_at_once_on_values(value: object, plain: bool, size: int) -> None:
    body = json.dumps(value, ensure_ascii=plain).encode("utf-8", "surrogatepass")
    assert slowly_with(size, body) == outcome(body, slowly=False)


@given(VALUES, st.data(), st.integers(2, 12))
@settings(max_examples=300)
def test_reading_in_slices_equals_reading_at_once_on_damaged_values(
    value: object, data: st.DataObject, size: int
) -> None:
    body = bytearray(json.dumps(value).encode())
    at = data.draw(st.integers(0, len(body) - 1))
    body[at : at + 1] = data.draw(st.binary(max_size=2) | st.sampled_from([b",", b'"', b"]", b"}", b"[", b"\\"]))
    assert slowly_with(size, bytes(body)) == outcome(bytes(body), slowly=False)


def grown(random: Random, depth: int) -> object:
    """A value of some kilobytes to megabytes, wide and deep by chance."""
    kind = random.randrange(4) if depth else 3
    if kind == 0:
        return [grown(random, depth - 1) for _ in range(random.randrange(1, 9))]
    if kind < 3:
        return {f"{n}ä{random.random()}": grown(random, depth - 1) for n in range(random.randrange(1, 9))}
    return random.choice([None, True, random.random(), random.randrange(10**20), 'a"\\,[é' * random.randrange(200)])


@pytest.mark.parametrize("seed", range(8))
def test_long_bodies_in_slices_equal_reading_at_once(seed: int) -> None:
    random = Random(seed)
    body = json.dumps([grown(random, 4) for _ in range(20)], ensure_ascii=seed % 2 == 0).encode()
    assert len(body) > json_cuts.WINDOW
    assert outcome(body, slowly=True) == outcome(body, slowly=False) != "refused"
    doubled = body[:-1] + b',{"a":1,"A":1}]'
    assert outcome(doubled, slowly=True) == outcome(doubled, slowly=False) == "refused"


@pytest.mark.parametrize("item", [b"1", b"[]", b'{"a":{"b":[1,2]}}', b'"' + b"x" * 100_000 + b'"'])
def test_no_slice_takes_much_more_than_a_window(item: bytes) -> None:
    body = b"[" + b",".join([item] * max(3, 50_000 // len(item))) + b"]"
    longest = max(json_cuts.WINDOW, len(item)) + json_cuts.WINDOW
    found = [piece for piece in json_cuts.pieces(body, "body") if piece is not None]
    assert max(piece.end - piece.start for piece in found) <= longest
    assert sum(piece.end - piece.start for piece in found) == len(body) - (len(found) - 1)
