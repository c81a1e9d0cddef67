"""TLS on both sides, over real handshakes."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trustme

from toolgate.wire.client import ConnectFailed, Origin, Pool, PoolLimits, UpstreamError
from toolgate.wire.server import Exchange, ServerLimits

from .conftest import Serving
from .raw import LAST, PATIENCE, QUICK, echo

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def server_context(authority: trustme.CA, *names: str, clients: trustme.CA | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names or ("gate.test",)).configure_cert(context)
    if clients is not None:
        clients.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def client_context(authority: trustme.CA, *, certificate: trustme.LeafCert | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    if certificate is not None:
        certificate.configure_cert(context)
    return context


@asynccontextmanager
async def pool_to(port: int, context: ssl.SSLContext, host: str = "gate.test") -> AsyncIterator[Pool]:
    pool = Pool(Origin("https", host, port, ("127.0.0.1",), context), PoolLimits(tick=QUICK))
    yield pool
    async with asyncio.timeout(PATIENCE):
        await pool.close()


async def test_both_sides_speak_tls_on_kept_connections(served: Serving, authority: trustme.CA) -> None:
    secure = []

    async def handler(exchange: Exchange) -> None:
        secure.append(exchange.secure)
        await echo(exchange)

    listener = await served(handler, tls=server_context(authority))
    async with pool_to(listener.port, client_context(authority)) as pool:
        for body in (b"a", b"x" * 1_000_000):
            response = await pool.send("POST", "/x", [], body, timeout=PATIENCE)
            assert await response.read(1 << 21) == b"POST /x |" + body
        assert (pool.connections, listener.connections) == (1, 1)
    assert secure == [True, True]


async def test_a_server_with_another_name_is_not_trusted(served: Serving, authority: trustme.CA) -> None:
    listener = await served(tls=server_context(authority, "other.test"))
    async with pool_to(listener.port, client_context(authority)) as pool:
        with pytest.raises(ConnectFailed) as caught:
            await pool.send("POST", "/", [], b"{}", timeout=PATIENCE)
    assert not caught.value.sent
    assert "gate.test" in caught.value.cause


async def test_a_server_of_an_unknown_authority_is_not_trusted(served: Serving, authority: trustme.CA) -> None:
    listener = await served(tls=server_context(trustme.CA()))
    async with pool_to(listener.port, client_context(authority)) as pool:
        with pytest.raises(ConnectFailed):
            await pool.send("POST", "/", [], b"{}", timeout=PATIENCE)


async def test_a_client_certificate_can_be_asked_for(served: Serving, authority: trustme.CA) -> None:
    clients = trustme.CA()
    listener = await served(tls=server_context(authority, clients=clients))
    known = client_context(authority, certificate=clients.issue_cert("agent.test"))
    async with pool_to(listener.port, known) as pool:
        assert (await pool.send("GET", "/", [], timeout=PATIENCE)).status == 200
    async with pool_to(listener.port, client_context(authority)) as pool:
        with pytest.raises(UpstreamError):
            await pool.send("GET", "/", [], timeout=PATIENCE)


async def test_a_client_that_hangs_up_over_tls_cancels_the_handler(served: Serving, authority: trustme.CA) -> None:
    began, cancelled = asyncio.Event(), asyncio.Event()

    async def handler(exchange: Exchange) -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    listener = await served(handler, tls=server_context(authority))
    async with pool_to(listener.port, client_context(authority)) as pool, asyncio.timeout(PATIENCE):
        call = asyncio.create_task(pool.send("GET", "/", [], timeout=PATIENCE))
        await began.wait()
        call.cancel()
        await cancelled.wait()


async def test_the_last_answer_over_tls_arrives_whole(served: Serving, authority: trustme.CA) -> None:
    async def large(exchange: Exchange) -> None:
        exchange.respond(200, [], b"x" * 2_000_000)

    listener = await served(large, tls=server_context(authority))
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", listener.port, ssl=client_context(authority), server_hostname="gate.test"
    )
    writer.write(LAST)
    async with asyncio.timeout(PATIENCE):
        answer = await reader.read(-1)
    assert answer.endswith(b"\r\n\r\n" + b"x" * 2_000_000)
    writer.close()


async def test_a_handshake_that_does_not_come_is_given_up(served: Serving, authority: trustme.CA) -> None:
    listener = await served(limits=ServerLimits(head_timeout=0.1, tick=QUICK), tls=server_context(authority))
    reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
    async with asyncio.timeout(PATIENCE):
        assert await reader.read() == b""
    writer.close()


async def test_plain_http_to_a_tls_port_reaches_no_handler(served: Serving, authority: trustme.CA) -> None:
    called = []

    async def handler(exchange: Exchange) -> None:
        called.append(exchange.path)

    listener = await served(handler, tls=server_context(authority))
    reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
    writer.write(LAST)
    async with asyncio.timeout(PATIENCE):
        assert b"200" not in await reader.read()
    assert called == []
    writer.close()
