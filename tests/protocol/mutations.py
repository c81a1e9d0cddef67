"""Valid messages and ways to damage their bytes."""

from __future__ import annotations

import json
from random import Random

_META = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "progressToken": "p-1"}
_CHARGE = {"amount": 12.50, "currency": "usd", "lines": [{"sku": "a", "n": 1}, {"sku": "b", "n": -2.5e3}], "note": None}
MESSAGES = [
    json.dumps(message, ensure_ascii=plain, separators=separators).encode()
    for plain, separators in ((True, (",", ":")), (False, (", ", ": ")))
    for message in (
        {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "run", "arguments": {}}},
        {"jsonrpc": "2.0", "id": "a-1", "method": "tools/call", "params": {"name": "charge", "arguments": _CHARGE}},
        {
            "jsonrpc": "2.0",
            "id": 9007199254740991,
            "method": "tools/call",
            "params": {
                "name": "größe",
                "arguments": {"text": 'Zeile\n"zwei" \\ \u2028 😀', "deep": {"er": {"still": [True, False, [0]]}}},
                "_meta": _META,
            },
        },
        {"jsonrpc": "2.0", "id": 2, "method": "tools/list", "params": {"cursor": "c", "_meta": _META}},
        {"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": 1, "progress": 0.5}},
        {"jsonrpc": "2.0", "id": 3, "result": {"roots": [{"uri": "file:///a", "name": "a"}]}},
        {"jsonrpc": "2.0", "id": 4, "error": {"code": -32601, "message": "no"}},
    )
]

_TOKENS = [
    *(b'"name":"delete",', b'"Name":"delete",', b'"na\\u006de":"delete",', '"ｎame":1,'.encode(), b'"arguments":{},'),
    *(b'"id":null,', b'"method":"tools/list",', b'"result":{},', b'"params":null,', b'"__proto__":{"a":1},', b'"":0,'),
    *(
        b"null",
        b"true",
        b"1e400",
        b"-1e999",
        b"1e-400",
        b"1E+2",
        b"-0",
        b"-0.0",
        b"00",
        b"1.",
        b"0x1",
        b"NaN",
        b"Infinity",
    ),
    *(
        b"9007199254740993",
        b"1" * 30,
        b"9" * 308,
        b"9" * 310,
        b"0.1" + b"0" * 40 + b"1",
        b"1e5",
        b"12345678901234567890",
    ),
    *(
        b"\\ud800",
        b"\\udc00\\ud800",
        b"\\ud83d\\ude00",
        b"\\u0000",
        b"\\u0041",
        b"\\x41",
        b"\\/",
        b"\\'",
        b"\\",
        b"\\\\",
    ),
    *(
        b"\x00",
        b"\x1f",
        b"\x7f",
        b"\xff",
        b"\xc0\xaf",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b"\xef\xbb\xbf",
        b"\xc2\xa0",
    ),
    *("\u2028".encode(), "ſ".encode(), "\u212a".encode(), "e\u0301".encode(), b"\xef\xbf\xbf", b"\xf0\x9f\x98\x80"),
    *(
        b'"',
        b"'",
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b":",
        b"//",
        b"/**/",
        b" ",
        b"\t",
        b"\r\n",
        b"\x0b",
        b"\x0c",
        b"[[[[",
        b"]]]]",
    ),
]


def mutated(random: Random) -> bytes:
    """A valid message after one to three changes of its bytes."""
    body = bytearray(random.choice(MESSAGES))
    for _ in range(random.choice((1, 1, 2, 3))):
        random.choice(_CHANGES)(random, body)
    return bytes(body)


def _flip(random: Random, body: bytearray) -> None:
    body[random.randrange(len(body))] ^= 1 << random.randrange(8)


def _overwrite(random: Random, body: bytearray) -> None:
    body[random.randrange(len(body))] = random.randrange(256)


def _delete(random: Random, body: bytearray) -> None:
    at = random.randrange(len(body))
    if len(body) > 20:
        del body[at : at + random.choice((1, 1, 2, 8))]


def _insert(random: Random, body: bytearray) -> None:
    at = random.randrange(len(body))
    body[at:at] = random.choice(_TOKENS)


def _replace_number_or_letter(random: Random, body: bytearray) -> None:
    places = [at for at, byte in enumerate(body) if chr(byte).isalnum()]
    at = random.choice(places)
    body[at : at + 1] = random.choice(_TOKENS)


def _repeat(random: Random, body: bytearray) -> None:
    start = random.randrange(len(body))
    part = body[start : start + random.randrange(1, 40)]
    at = random.choice((start, random.randrange(len(body))))
    body[at:at] = part


def _insert_member(random: Random, body: bytearray) -> None:
    """A member at the start of some object: often valid, so that acceptance is tried too."""
    places = [at for at, byte in enumerate(body) if byte == ord("{")]
    if places:
        at = random.choice(places) + 1
        body[at:at] = random.choice(_TOKENS[:11])


_CHANGES = (_flip, _overwrite, _delete, _insert, _replace_number_or_letter, _repeat, _insert_member)
