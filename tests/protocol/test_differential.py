"""What the gateway accepts has one meaning: every mainstream reader takes the same from the same bytes."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest

from toolgate.protocol.malformed import Malformed
from toolgate.protocol.messages import classify
from toolgate.protocol.strict_json import read, read_slowly

from .mutations import MESSAGES, mutated
from .readers import READERS, Node, meaning

BATCH = 20

ONE_MEANING = {
    "keys that JavaScript knows": b'{"__proto__":{"a":1},"constructor":2,"toString":null}',
    "array indices as keys": b'{"2":1,"1":2,"0":3}',
    "the empty key": b'{"":{"":1}}',
    "integers beyond 2**53": b"[9007199254740993,12345678901234567890,-18446744073709551616]",
    "integers beyond 64 bits": b"[" + b"9" * 30 + b",-" + b"9" * 308 + b"]",
    "fractions beyond doubles": b"[100.00000000000000001,0.1000000000000000055511151231257827,2.2250738585072011e-308]",
    "halfway between doubles": b"[9007199254740993.0,1.7976931348623158e308,4.9e-324,2.4703282292062328e-324]",
    "underflow": b"[1e-400,-1e-400,0e999]",
    "zeros": b"[0,-0,0.0,-0.0,0e0]",
    "exponents": b"[1e5,1E5,1e+5,1e-5,1.5E-7]",
    "escapes": rb'"\u0041\/\"\\\b\f\n\r\t\u0000\ud83d\ude00\u2028"',
    "white space": b' \t\r\n{ "a" : [ 1 , 2 ] } \n',
    "noncharacters": '"\ufffe\uffff\U0010ffff"'.encode(),
    "64 levels": b"[" * 64 + b"]" * 64,
}


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    with Node() as process:
        yield process


def judged(body: bytes) -> object:
    """The value that the gateway would judge; raises Malformed."""
    value = read(body)
    classify(value)
    return value


def check(node: Node, accepted: list[tuple[bytes, object]]) -> None:
    for (body, value), answer in zip(accepted, node.read(body for body, _ in accepted), strict=True):
        expected = meaning(value)
        assert meaning(answer) == expected, f"node reads {body!r} as {answer!r}"
        for name, reader in READERS.items():
            assert meaning(reader(body)) == expected, f"{name} reads {body!r} otherwise"


def in_slices(body: bytes) -> object:
    reading = read_slowly(body)
    while True:
        try:
            next(reading)
        except StopIteration as end:
            return end.value


@pytest.mark.slow
@pytest.mark.parametrize("body", ONE_MEANING.values(), ids=ONE_MEANING.keys())
def test_unusual_values_have_one_meaning(body: bytes, node: Node) -> None:
    check(node, [(body, read(body)), (body, in_slices(body))])


@pytest.mark.slow
@pytest.mark.parametrize("body", MESSAGES)
def test_the_undamaged_messages_have_one_meaning(body: bytes, node: Node) -> None:
    check(node, [(body, judged(body))])


@pytest.mark.slow
@pytest.mark.parametrize("count", [2_000, pytest.param(1_000_000, marks=pytest.mark.nightly)])
def test_damaged_messages_are_refused_or_have_one_meaning(count: int, node: Node) -> None:
    refused = kept = 0
    for start in range(0, count, BATCH):
        accepted = []
        for seed in range(start, start + BATCH):
            body = mutated(Random(seed))
            try:
                accepted.append((body, judged(body)))
            except Malformed:
                refused += 1
        check(node, accepted)
        kept += len(accepted)
    # both arms must have been tried, or the test proves nothing
    assert kept + refused == count
    assert min(kept, refused) > count // 20
