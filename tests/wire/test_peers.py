"""The same exchanges with the clients and servers that others wrote."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import h11
import pytest
from aiohttp import web

from toolgate.wire.server import Exchange

from .conftest import Pooling, Scripting, Serving
from .raw import PATIENCE, echo

BODY = bytes(range(256)) * 2000

# --- h11


async def _heard(reader: asyncio.StreamReader, peer: h11.Connection, until: type) -> list[h11.Event]:
    events: list[h11.Event] = []
    while not events or type(events[-1]) is not until:
        event = peer.next_event()
        if event is h11.NEED_DATA:
            peer.receive_data(await reader.read(65536))
        elif isinstance(event, h11.Event) and not isinstance(event, h11.ConnectionClosed):
            events.append(event)
        else:
            raise ConnectionResetError
    return events


@pytest.mark.parametrize("chunked", [False, True])
async def test_h11_as_client(served: Serving, chunked: bool) -> None:
    listener = await served()
    reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
    peer = h11.Connection(h11.CLIENT)
    for _ in range(3):
        framing = ("transfer-encoding", "chunked") if chunked else ("content-length", str(len(BODY)))
        request = h11.Request(method="POST", target="/x?y", headers=[("host", "a"), framing])
        for event in (request, h11.Data(data=BODY), h11.EndOfMessage()):
            writer.write(peer.send(event) or b"")
        async with asyncio.timeout(PATIENCE):
            response, *data, _ = await _heard(reader, peer, h11.EndOfMessage)
        assert isinstance(response, h11.Response)
        assert response.status_code == 200
        assert b"".join(bytes(part.data) for part in data if isinstance(part, h11.Data)) == b"POST /x y|" + BODY
        peer.start_next_cycle()
    assert listener.connections == 1
    writer.close()


@pytest.mark.parametrize("chunked", [False, True])
async def test_h11_as_server(scripted: Scripting, pooled: Pooling, chunked: bool) -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = h11.Connection(h11.SERVER)
        while True:
            request, *data, _ = await _heard(reader, peer, h11.EndOfMessage)
            assert isinstance(request, h11.Request)
            body = b"".join(bytes(part.data) for part in data if isinstance(part, h11.Data))
            framing = ("transfer-encoding", "chunked") if chunked else ("content-length", str(len(body)))
            for event in (h11.Response(status_code=200, headers=[framing]), h11.Data(data=body), h11.EndOfMessage()):
                writer.write(peer.send(event) or b"")
            peer.start_next_cycle()

    pool = pooled(await scripted(script))
    for _ in range(3):
        response = await pool.send("POST", "/x", [], BODY, timeout=PATIENCE)
        assert await response.read(1 << 20) == BODY
    assert pool.connections == 1


# --- aiohttp


async def test_aiohttp_as_client(served: Serving) -> None:
    listener = await served()

    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, len(BODY), 10_000):
            yield BODY[at : at + 10_000]

    async with aiohttp.ClientSession(f"http://127.0.0.1:{listener.port}") as session:
        for body, more in ((BODY, {}), (pieces(), {}), (BODY, {"expect100": True})):
            async with session.post("/x?y", data=body, **more) as response:  # type: ignore[arg-type]
                assert (response.status, await response.read()) == (200, b"POST /x y|" + BODY)
        answers = await asyncio.gather(*[_got(session, n) for n in range(50)])
    assert answers == [f"GET /{n} |" for n in range(50)]


async def _got(session: aiohttp.ClientSession, n: int) -> str:
    async with session.get(f"/{n}") as response:
        return await response.text()


async def test_aiohttp_as_client_of_a_stream(served: Serving) -> None:
    async def events(exchange: Exchange) -> None:
        exchange.start(200, [(b"content-type", b"text/event-stream")])
        for n in range(100):
            await exchange.write(b"data: %d\n\n" % n)
        exchange.finish()

    listener = await served(events)
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{listener.port}/") as response,
    ):
        assert (await response.read()).count(b"data: ") == 100


@asynccontextmanager
async def aiohttp_server() -> AsyncIterator[int]:
    async def whole(request: web.Request) -> web.Response:
        return web.Response(body=await request.read())

    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        async for chunk in request.content.iter_chunked(10_000):
            await response.write(chunk)
        return response

    app = web.Application(client_max_size=1 << 24)
    app.router.add_post("/whole", whole)
    app.router.add_post("/stream", stream)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


async def test_aiohttp_as_server(pooled: Pooling) -> None:
    async with aiohttp_server() as port:
        pool = pooled(port)
        for target in ("/whole", "/stream", "/whole"):
            response = await pool.send("POST", target, [], BODY, timeout=PATIENCE)
            assert (response.status, await response.read(1 << 20)) == (200, BODY)
        assert (await pool.send("GET", "/nowhere", [], timeout=PATIENCE)).status == 404
        assert pool.connections == 1
        await pool.close()


# --- curl


async def curl(*arguments: str) -> bytes:
    process = await asyncio.create_subprocess_exec(
        "curl", "-sS", "--max-time", "10", *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, said = await process.communicate()
    assert process.returncode == 0, said.decode()
    return out


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["-H", "Transfer-Encoding: chunked"],
        ["-H", "Expect: 100-continue"],
        ["--http1.0"],
        ["--http2"],
        ["-H", "Connection: close"],
    ],
)
async def test_curl_as_client(served: Serving, tmp_path: Path, arguments: list[str]) -> None:
    body = tmp_path / "body"
    body.write_bytes(BODY)
    url = f"http://127.0.0.1:{(await served()).port}/x"
    assert await curl(*arguments, "--data-binary", f"@{body}", url) == b"POST /x |" + BODY
    head = await curl("--head", url)
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
async def test_curl_uses_one_connection(served: Serving) -> None:
    url = f"http://127.0.0.1:{(await served()).port}/x"
    assert await curl("-w", "%{num_connects}", url, url, url) == b"GET /x |1GET /x |0GET /x |0"


# --- nginx

NGINX = """
{user} daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
  access_log off; client_max_body_size 10m;
  client_body_temp_path {folder}/a; proxy_temp_path {folder}/b;
  fastcgi_temp_path {folder}/c; uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
  upstream behind {{ server 127.0.0.1:{behind}; keepalive 4; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://behind; proxy_http_version 1.1; proxy_set_header Connection '';
      proxy_request_buffering off; proxy_buffering off;
    }}
    location /file {{ root {folder}; add_header Keep-Alive 'timeout=20'; }}
    location /empty {{ return 204; }}
  }}
}}
"""


@asynccontextmanager
async def nginx(folder: Path, behind: int) -> AsyncIterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    user = "user root;" if os.geteuid() == 0 else ""  # who else could read the folder of a test
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=port, behind=behind, user=user))
    process = await asyncio.create_subprocess_exec("nginx", "-c", folder / "nginx.conf", "-p", folder)
    try:
        await _listening(port)
        yield port
    finally:
        process.terminate()
        await process.wait()


async def _listening(port: int) -> None:
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionError:
                await asyncio.sleep(0.02)
            else:
                writer.close()
                return


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("nginx") is None, reason="needs nginx")
async def test_nginx_as_front_and_as_peer(served: Serving, pooled: Pooling, tmp_path: Path) -> None:
    """Our pool asks nginx, which asks our listener: both halves meet it, chunked and counted."""

    async def handler(exchange: Exchange) -> None:
        if exchange.path == "/stream":
            exchange.start(200)
            for _ in range(10):
                await exchange.write(BODY)
            exchange.finish()
        else:
            await echo(exchange)

    listener = await served(handler)
    async with nginx(tmp_path, listener.port) as port:
        pool = pooled(port)
        for _ in range(20):
            response = await pool.send("POST", "/x?y", [], BODY, timeout=PATIENCE)
            assert (response.status, await response.read(1 << 20)) == (200, b"POST /x y|" + BODY)
        response = await pool.send("GET", "/stream", [], timeout=PATIENCE)
        assert await response.read(1 << 23) == BODY * 10
        assert (await pool.send("HEAD", "/x", [], timeout=PATIENCE)).body_complete == b""
        assert (await pool.send("GET", "/empty", [], timeout=PATIENCE)).status == 204
        assert pool.connections == 1
        assert listener.connections <= 2
        await pool.close()


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("nginx") is None, reason="needs nginx")
async def test_nginx_serves_a_file_and_its_promise_of_keep_alive(pooled: Pooling, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(BODY)
    async with nginx(tmp_path, 1) as port:
        pool = pooled(port)
        response = await pool.send("GET", "/file", [], timeout=PATIENCE)
        assert await response.read(1 << 20) == BODY
        assert pool._idle[0].idle_for == 19
        await pool.close()


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("nginx") is None, reason="needs nginx")
async def test_a_client_of_nginx_that_hangs_up_cancels_the_handler(served: Serving, tmp_path: Path) -> None:
    began, cancelled = asyncio.Event(), asyncio.Event()

    async def handler(exchange: Exchange) -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    listener = await served(handler)
    async with nginx(tmp_path, listener.port) as port, asyncio.timeout(PATIENCE):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        await began.wait()
        writer.close()
        await cancelled.wait()
