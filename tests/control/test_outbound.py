"""Guarded requests of the control process, against real listeners."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import trustme

from toolgate.upstream.outbound import OutboundError, fetch
from toolgate.wire.server import Exchange, Listener, serve

Serving = Callable[..., Awaitable[Listener]]


@pytest.fixture
async def served() -> AsyncIterator[Serving]:
    listeners: list[Listener] = []

    async def start(handler: Callable[[Exchange], Awaitable[None]], tls: ssl.SSLContext | None = None) -> Listener:
        listeners.append(await serve(handler, "127.0.0.1", 0, tls=tls))
        return listeners[-1]

    yield start
    for listener in listeners:
        await listener.close(0)


async def hello(exchange: Exchange) -> None:
    body = await exchange.body(1024)
    exchange.respond(200, ((b"x-twice", b"a"), (b"x-twice", b"b")), exchange.method.encode() + b" " + body)


async def test_an_answer_comes_whole_with_its_headers(served: Serving) -> None:
    listener = await served(hello)
    url = f"http://127.0.0.1:{listener.port}/x?y=1"
    got = await fetch("POST", url, {"Content-Type": "text/plain"}, b"body", allow_loopback=True)
    assert (got.status, got.body, got.headers["x-twice"]) == (200, b"POST body", "a, b")


async def test_https_is_verified_with_the_authority_that_is_given(served: Serving) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    listener = await served(hello, tls=context)
    url = f"https://localhost:{listener.port}/"
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    assert (await fetch("GET", url, allow_loopback=True, tls=trusting)).status == 200
    with pytest.raises(OutboundError, match="certificate"):
        await fetch("GET", url, allow_loopback=True)


async def test_a_redirect_is_an_answer_and_nothing_is_asked_behind_it(served: Serving) -> None:
    asked: list[str] = []

    async def handler(exchange: Exchange) -> None:
        asked.append(exchange.path)
        exchange.respond(302, ((b"location", b"/other"),), b"")

    listener = await served(handler)
    got = await fetch("GET", f"http://127.0.0.1:{listener.port}/first", allow_loopback=True)
    assert (got.status, asked) == (302, ["/first"])


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/",
        "http://localhost:{port}/",
        "http://[::1]:{port}/",
        "https://127.0.0.1:{port}/",
        "https://2130706433:{port}/",
        "https://0x7f.1:{port}/",
        "https://localhost.:{port}/",
        "https://[::ffff:127.0.0.1]:{port}/",
        "https://10.0.0.1/",
        "https://169.254.169.254/latest/meta-data/",
        "http://93.184.216.34/",
        "https://user:secret@localhost:{port}/",
        "file:///etc/passwd",
        "https:///nothing",
        "gopher://localhost:{port}/",
        "https://[::1",
        "",
    ],
)
async def test_a_url_that_a_stranger_named_reaches_no_private_address(served: Serving, url: str) -> None:
    asked: list[str] = []

    async def handler(exchange: Exchange) -> None:
        asked.append(exchange.path)

    listener = await served(handler)
    with pytest.raises(OutboundError):
        await fetch("GET", url.format(port=listener.port), timeout=5)
    assert asked == []


async def test_an_answer_beyond_the_limit_is_refused(served: Serving) -> None:
    async def handler(exchange: Exchange) -> None:
        exchange.respond(200, (), b"x" * 1001)

    listener = await served(handler)
    with pytest.raises(OutboundError, match="longer than 1000 bytes"):
        await fetch("GET", f"http://localhost:{listener.port}/", allow_loopback=True, limit=1000)


async def test_a_server_that_trickles_its_answer_is_left_after_the_whole_timeout(served: Serving) -> None:
    async def handler(exchange: Exchange) -> None:
        exchange.start(200, ())
        while True:
            await exchange.write(b" ")
            await asyncio.sleep(0.02)

    listener = await served(handler)
    with pytest.raises(OutboundError, match="no whole answer"):
        await fetch("GET", f"http://localhost:{listener.port}/", allow_loopback=True, timeout=0.2)


async def test_errors_and_representations_hold_neither_path_nor_query_nor_body(served: Serving) -> None:
    listener = await served(hello)
    url = f"http://127.0.0.1:{listener.port}/T000/secret?key=secret"
    with pytest.raises(OutboundError) as raised:
        await fetch("GET", url)
    assert "secret" not in str(raised.value)
    got = await fetch("POST", url, {}, b"secret", allow_loopback=True)
    assert "secret" not in repr(got)


async def test_a_header_that_would_break_the_framing_is_refused(served: Serving) -> None:
    listener = await served(hello)
    with pytest.raises(OutboundError):
        await fetch("GET", f"http://127.0.0.1:{listener.port}/", {"x": "a\r\nb: c"}, allow_loopback=True)
