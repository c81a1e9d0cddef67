"""Strict reading: the time of a small body, and the longest slice of long ones. `python bench/strict_json.py`."""

from __future__ import annotations

import contextlib
import gc
import json
import time
import timeit
from collections.abc import Callable

import jiter

from toolgate.protocol.malformed import Malformed
from toolgate.protocol.messages import classify
from toolgate.protocol.strict_json import read, read_slowly

MIB = 1024 * 1024
SMALL = json.dumps(
    {
        "jsonrpc": "2.0",
        "id": 7,
        "method": "tools/call",
        "params": {
            "name": "create_charge",
            "arguments": {
                "amount": 1200,
                "currency": "usd",
                "customer": "cus_9s6XKzkNRiz8i3",
                "description": "Order 4711 for Acme",
                "metadata": {"order": "4711", "rate": 1.25},
            },
            "_meta": {"progressToken": "abc-1"},
        },
    },
    separators=(",", ":"),
).encode()


def filled(item: bytes, opening: bytes = b"[", closing: bytes = b"]") -> bytes:
    """About one MiB of one item, at most what the limit of values lets through."""
    return opening + b",".join([item] * min(99_000 // max(1, item.count(b",") + 1), MIB // (len(item) + 1))) + closing


LONG = {
    "90,000 keys": b"{" + b",".join(b'"k%d":1' % n for n in range(90_000)) + b"}",
    "90,000 keys in upper case": b"{" + b",".join(b'"K%d":1' % n for n in range(90_000)) + b"}",
    "keys beyond ASCII": b"{" + b",".join('"é%d":1'.encode() % n for n in range(80_000)) + b"}",
    "99,000 empty arrays": filled(b"[]"),
    "300,000 empty arrays (refused)": b"[" + b",".join([b"[]"] * 300_000) + b"]",
    "99,000 numbers": filled(b"1.5"),
    "99,000 strings": filled(b'"abcdefgh"'),
    "objects 30 deep": filled(b'{"a":' * 30 + b"1" + b"}" * 30),
    "small objects": filled(b'{"id":1,"name":"abc","tags":["a","b"]}'),
    "integers of 300 digits": filled(b"9" * 300),
    "one string of ASCII": b'"' + b"a" * MIB + b'"',
    "one string of UTF-8": b'"' + "é".encode() * (MIB // 2) + b'"',
    "one string of \\u escapes": b'"' + b"\\u00e9" * (MIB // 6) + b'"',
    "one string of quotes": b'"' + b'\\"' * (MIB // 2) + b'"',
    "one string of backslashes": b'"' + b"\\\\" * (MIB // 2) + b'"',
    "white space": b" " * MIB + b"1",
    "opening brackets (refused)": b"[" * MIB,
    "a base64 file in a call": b'{"params":{"arguments":{"file":"' + b"QUJD" * (MIB // 4) + b'","n":1}}}',
}


def slices(body: bytes) -> list[float]:
    """Milliseconds of CPU of each slice."""
    reading, taken = read_slowly(body), []
    while True:
        before = time.process_time_ns()
        try:
            next(reading)
        except (StopIteration, Malformed):
            taken.append((time.process_time_ns() - before) / 1e6)
            return taken
        taken.append((time.process_time_ns() - before) / 1e6)


def at_once(body: bytes) -> float:
    before = time.process_time_ns()
    with contextlib.suppress(Malformed):
        read(body)
    return (time.process_time_ns() - before) / 1e6


def microseconds(work: Callable[[], object]) -> float:
    return min(timeit.repeat(work, number=500, repeat=200, timer=time.process_time)) / 500 * 1e6


def main() -> None:
    value = read(SMALL)
    grammar = microseconds(
        lambda: jiter.from_json(
            SMALL, allow_inf_nan=False, catch_duplicate_keys=True, float_mode="lossless-float", cache_mode="keys"
        )
    )
    strict, shape = microseconds(lambda: read(SMALL)), microseconds(lambda: classify(value))
    print(
        f"a call of {len(SMALL)} bytes: jiter alone {grammar:.2f} us, read {strict:.2f} us, classify {shape:.2f} us\n"
    )
    print(f"{'body':32}{'slices':>8}{'worst ms':>10}{'sum ms':>9}{'at once ms':>12}")
    for name, body in LONG.items():
        gc.collect()
        gc.disable()
        runs = [slices(body) for _ in range(5)]
        gc.enable()
        worst, total = min(max(run) for run in runs), min(map(sum, runs))
        print(f"{name:32}{len(runs[0]):8}{worst:10.2f}{total:9.1f}{at_once(body):12.1f}")


if __name__ == "__main__":
    main()
