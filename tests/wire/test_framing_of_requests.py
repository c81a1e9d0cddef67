"""Requests whose end, target or fields two parsers could read differently are refused before any handler runs."""

from __future__ import annotations

import pytest

from toolgate.wire.server import Exchange, ServerLimits

from .conftest import Serving
from .raw import LAST, echo, post, said

CHUNKS = b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"

REFUSED: dict[str, tuple[int, bytes]] = {
    "length and chunks": (400, post(b"", b"Transfer-Encoding: chunked") + b"0\r\n\r\n"),
    "two different lengths": (400, post(b"ab", b"Content-Length: 3")),
    "the same length twice": (400, post(b"ab", b"Content-Length: 2")),
    "a list of lengths": (400, b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 2, 2\r\n\r\nab"),
    "length with a plus": (400, b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nabcde"),
    "length with a minus": (400, b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n"),
    "length in hexadecimal": (400, b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 0x2\r\n\r\nab"),
    "length empty": (400, b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n"),
    "length beyond all bounds": (400, b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: " + b"9" * 30 + b"\r\n\r\n"),
    "length with arabic digits": (400, "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: ٢\r\n\r\nab".encode()),
    "gzip before chunked": (400, b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
    "chunked, identity": (400, b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"),
    "identity": (400, b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n"),
    "xchunked": (400, b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
    "chunked in quotes": (400, b'POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n'),
    "chunked with a vertical tab": (
        400,
        b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    ),
    "chunked twice": (400, CHUNKS[:-2] + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    "chunked in HTTP/1.0": (400, CHUNKS.replace(b"1.1", b"1.0") + b"0\r\n\r\n"),
    "a folded line": (400, post(b"", b"X: a\r\n b")),
    "a fold with a tab": (400, post(b"", b"X: a\r\n\tb")),
    "a fold before the first field": (400, b"GET / HTTP/1.1\r\n Host: a\r\n\r\n"),
    "lines that end in LF": (400, b"GET / HTTP/1.1\nHost: a\n\n\r\n\r\n"),
    "one line that ends in LF": (400, b"GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n"),
    "a bare CR in a value": (400, b"GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n"),
    "white space before the colon": (400, b"GET / HTTP/1.1\r\nHost : a\r\n\r\n"),
    "white space before the colon of the length": (400, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length : 2\r\n\r\nab"),
    "a field without a colon": (400, b"GET / HTTP/1.1\r\nHost: a\r\nfoo\r\n\r\n"),
    "a field without a name": (400, b"GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n"),
    "NUL in a value": (400, post(b"", b"X: a\0b")),
    "a control character in a value": (400, post(b"", b"X: a\x01b")),
    "DEL in a value": (400, post(b"", b"X: a\x7fb")),
    "a control character in a name": (400, post(b"", b"X\x01: a")),
    "eight bits in a name": (400, post(b"", "Hé: a".encode())),
    "no Host": (400, b"GET / HTTP/1.1\r\n\r\n"),
    "two Hosts": (400, b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
    "the same Host twice": (400, b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"),
    "two Hosts in HTTP/1.0": (400, b"GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n"),
    "the absolute form": (400, b"GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n"),
    "the asterisk form": (400, b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"),
    "the authority form": (400, b"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n"),
    "CONNECT with a path": (405, b"CONNECT /a HTTP/1.1\r\nHost: a\r\n\r\n"),
    "a fragment": (400, b"GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n"),
    "a space in the target": (400, b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n"),
    "a tab in the target": (400, b"GET /a\tb HTTP/1.1\r\nHost: a\r\n\r\n"),
    "a control character in the target": (400, b"GET /a\x01b HTTP/1.1\r\nHost: a\r\n\r\n"),
    "eight bits in the target": (400, "GET /é HTTP/1.1\r\nHost: a\r\n\r\n".encode()),
    "two spaces in the request line": (400, b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n"),
    "a tab in the request line": (400, b"GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n"),
    "white space before the method": (400, b" GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    "an empty line first": (400, b"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    "a method in lower case": (400, b"get / HTTP/1.1\r\nHost: a\r\n\r\n"),
    "an unknown method": (400, b"FROB / HTTP/1.1\r\nHost: a\r\n\r\n"),
    "HTTP/0.9": (400, b"GET /\r\n\r\n"),
    "HTTP/1.2": (400, b"GET / HTTP/1.2\r\nHost: a\r\n\r\n"),
    "HTTP/2.0": (400, b"GET / HTTP/2.0\r\nHost: a\r\n\r\n"),
    "the preface of HTTP/2": (400, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    "http in lower case": (400, b"GET / http/1.1\r\nHost: a\r\n\r\n"),
    "RTSP": (400, b"DESCRIBE / RTSP/1.0\r\nHost: a\r\n\r\n"),
    "a TLS greeting": (400, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\r\n\r\n"),
    "an unknown expectation": (417, post(b"", b"Expect: the-unexpected")),
    "chunk size with a plus": (400, CHUNKS + b"+1\r\na\r\n0\r\n\r\n"),
    "chunk size with 0x": (400, CHUNKS + b"0x1\r\na\r\n0\r\n\r\n"),
    "chunk size with a space": (400, CHUNKS + b"1 \r\na\r\n0\r\n\r\n"),
    "chunk size empty": (400, CHUNKS + b"\r\na\r\n0\r\n\r\n"),
    "chunk size that overflows": (400, CHUNKS + b"10000000000000001\r\na\r\n0\r\n\r\n"),
    "chunk size ended by LF": (400, CHUNKS + b"1\na\r\n0\r\n\r\n"),
    "chunk data ended by LF": (400, CHUNKS + b"1\r\na\n0\r\n\r\n"),
    "chunk longer than its size": (400, CHUNKS + b"1\r\nab\r\n0\r\n\r\n"),
    "chunk extension with LF": (400, CHUNKS + b"1;a\nb\r\na\r\n0\r\n\r\n"),
    "chunk extension with CR": (400, CHUNKS + b"1;a\rb\r\na\r\n0\r\n\r\n"),
    "chunk extension without end": (400, CHUNKS + b"1;a=" + b"b" * 9000),
    "chunk extensions, many": (400, CHUNKS + b"1;aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\na\r\n" * 900),
    "leading zeros without end": (400, CHUNKS + b"0" * 9000),
    "trailers without end": (400, CHUNKS + b"0\r\n" + b"X: y\r\n" * 2000),
    "a length in the trailers": (400, CHUNKS + b"0\r\nContent-Length: 5\r\n\r\n"),
    "chunks in the trailers": (400, CHUNKS + b"0\r\nTransfer-Encoding: chunked\r\n\r\n"),
    "a fold in the trailers": (400, CHUNKS + b"0\r\nX: y\r\n z\r\n\r\n"),
    "a target too long": (414, b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: a\r\n\r\n"),
    "a head too long": (431, post(b"", b"X: " + b"a" * 20_000)),
    "a head without end": (431, b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 20_000),
    "too many fields": (431, post(b"", *[b"X-%d: a" % n for n in range(120)])),
}

SERVED: dict[str, tuple[bytes, bytes]] = {
    "plain": (post(b"ab"), b"POST /x |ab"),
    "a query": (b"GET /a?b=c?d HTTP/1.1\r\nHost: a\r\n\r\n", b"GET /a b=c?d|"),
    "names in any case": (b"POST /x HTTP/1.1\r\nhOST: a\r\ncONTENT-lENGTH: 2\r\n\r\nab", b"POST /x |ab"),
    "white space around a value": (b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: \t 2 \t\r\n\r\nab", b"POST /x |ab"),
    "eight bits in a value": (post(b"ab", "X: é".encode()), b"POST /x |ab"),
    "chunks": (CHUNKS + b"2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n", b"POST /x |abcde"),
    "chunked in any case": (CHUNKS.replace(b"chunked", b"Chunked") + b"1\r\na\r\n0\r\n\r\n", b"POST /x |a"),
    "a short chunk extension": (CHUNKS + b"1;a=b\r\na\r\n0\r\n\r\n", b"POST /x |a"),
    "trailers, which are dropped": (CHUNKS + b"1\r\na\r\n0\r\nHost: evil\r\nX: y\r\n\r\n", b"POST /x |a"),
    "h2c offered with a body": (
        post(b"ab", b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AA"),
        b"POST /x |ab",
    ),
    "websocket offered": (
        b"GET /x HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n",
        b"GET /x |",
    ),
    "an upgrade offered with chunks": (
        CHUNKS[:-2] + b"Connection: upgrade\r\nuPGRADE: h2c\r\n\r\n1\r\na\r\n0\r\n\r\n",
        b"POST /x |a",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_a_doubtful_request_is_refused_and_the_connection_closed(served: Serving, name: str) -> None:
    status, request = REFUSED[name]
    bodies = []

    async def handler(exchange: Exchange) -> None:
        bodies.append(await exchange.body(1 << 20))
        exchange.respond(200)

    answer = await said((await served(handler)).port, request)
    assert answer.startswith(b"HTTP/1.1 %d " % status), answer
    assert answer.count(b"\r\ncontent-length: ") == 1
    assert b"\r\nconnection: close\r\n" in answer
    assert bodies == []


@pytest.mark.parametrize("name", REFUSED)
async def test_nothing_behind_a_doubtful_request_is_read(served: Serving, name: str) -> None:
    paths = []

    async def handler(exchange: Exchange) -> None:
        paths.append(exchange.path)
        await echo(exchange)

    await said((await served(handler)).port, REFUSED[name][1] + LAST)
    assert "/last" not in paths


@pytest.mark.parametrize("name", SERVED)
async def test_a_plain_request_is_served_and_the_connection_kept(served: Serving, name: str) -> None:
    request, wanted = SERVED[name]
    port = (await served()).port
    first, _, second = (await said(port, request, LAST)).rpartition(b"HTTP/1.1 200 OK\r\n")
    # Both may have come in one read, and nothing is read behind chunks then: the client has to ask again.
    if first:
        assert first.endswith(b"\r\n\r\n" + wanted)
        assert second.endswith(b"GET /last |")
    else:
        assert second.endswith(b"\r\n\r\n" + wanted)
        assert b"\r\nconnection: close\r\n" in second


@pytest.mark.parametrize("name", SERVED)
async def test_a_request_means_the_same_however_it_is_split(served: Serving, name: str) -> None:
    request, wanted = SERVED[name]
    answer = await said((await served()).port, *_closing(request))
    assert answer.endswith(b"\r\n\r\n" + wanted)


def _closing(request: bytes) -> list[bytes]:
    if b"onnection:" in request:
        request = request.replace(b"onnection: ", b"onnection: close, ")
    else:
        request = request.replace(b"\r\n", b"\r\nConnection: close\r\n", 1)
    return [request[n : n + 1] for n in range(len(request))]


async def test_the_limits_of_a_head_are_settings(served: Serving) -> None:
    listener = await served(limits=ServerLimits(head_bytes=60, header_count=2, target_bytes=3))
    assert (await said(listener.port, b"GET /abc HTTP/1.1\r\nHost: a\r\n\r\n")).startswith(b"HTTP/1.1 414 ")
    assert (await said(listener.port, b"GET / HTTP/1.1\r\nHost: a\r\nX: a\r\nY: a\r\n\r\n")).startswith(
        b"HTTP/1.1 431 "
    )
    assert (await said(listener.port, b"GET / HTTP/1.1\r\nHost: " + b"a" * 60)).startswith(b"HTTP/1.1 431 ")
