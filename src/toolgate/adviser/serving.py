"""The adviser over stdio, or over HTTP on a loopback address."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

import uvicorn

from toolgate.adviser.opening import Opening
from toolgate.adviser.server import adviser_server
from toolgate.catalogue.store import Catalogue, open_catalogue
from toolgate.store.errors import BadInput
from toolgate.store.names import is_loopback, shown

_LARGEST: Final = 4 * 1024 * 1024
"""Bytes of a request: the definitions of a server may be pasted into one."""


def serve_stdio(data: Path | None, organisation: str, version: str) -> None:
    """Serve one client until standard input ends."""
    with Opening(_catalogue(data)) as opening:
        adviser_server(opening, organisation, version).run("stdio")


def serve_http(
    data: Path | None, organisation: str, version: str, address: tuple[str, int], say: Callable[[str], object]
) -> None:
    """Serve every client of this machine until the process is told to end; `say` gets the URL once it is bound.

    Raises BadInput where the address cannot be listened on.
    """
    host, _port = address
    try:
        listening = socket.create_server(address, family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise BadInput("--http", f"cannot listen there: {error.strerror}", "choose another port") from error
    with listening, Opening(_catalogue(data)) as opening:
        name = f"[{host}]" if ":" in host else host
        say(f"serving http://{name}:{listening.getsockname()[1]}/mcp")
        server = adviser_server(opening, organisation, version)
        application = server.streamable_http_app(stateless_http=True, max_request_body_size=_LARGEST, host=host)
        asyncio.run(uvicorn.Server(uvicorn.Config(application, log_level="warning")).serve(sockets=[listening]))


def _catalogue(data: Path | None) -> AbstractContextManager[Catalogue]:
    """That of the data directory; where it is not there, what is in the box alone."""
    return open_catalogue(data if data is not None and data.is_dir() else None)


def read_address(text: str) -> tuple[str, int]:
    """Host and port of `127.0.0.1:9000`, `[::1]:9000` or `localhost:9000`. Raises BadInput for any other machine."""
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not is_loopback(host):
        mend = "it answers without a sign-in, so give a loopback address such as `127.0.0.1:9000`"
        raise BadInput("--http", f"`{shown(text)}` is no loopback address with a port", mend)
    if not (port.isascii() and port.isdigit()) or int(port[:6]) > 65535:
        raise BadInput("--http", f"`{shown(port)}` is no port", "give one from 1 to 65535, or 0 for any that is free")
    return host, int(port)
