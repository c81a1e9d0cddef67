"""An invented internet on loopback: names, the addresses they resolve to, and servers that note what they are asked.

Stubs that fetch do it through here. They read URLs as leniently as fetchers do, and reach nothing but these servers.
With an `Egress` they are held to what an egress proxy allows.
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final, NamedTuple, Self
from unicodedata import normalize
from urllib.parse import urljoin, urlsplit

Address = IPv4Address | IPv6Address
_HOPS: Final = 5
_LENGTH: Final = re.compile(r"\ncontent-length: *([0-9]+)", re.IGNORECASE)
_NAT64: Final = 0x64FF9B << 96


class Unreachable(Exception):
    """Nothing was fetched; the text says why."""


class Asked(NamedTuple):
    """A request as a server of this internet sees it."""

    method: str
    target: str
    body: str


class Answer(NamedTuple):
    """What it answers; `location` sends the fetcher on."""

    text: str
    location: str = ""
    status: int = 200
    kind: str = "text/plain"


Serve = Callable[[Asked], Answer]


class Site:
    """One server on a loopback port; open within its block."""

    def __init__(self, serve: Serve) -> None:
        self._serve = serve
        self._listening: asyncio.Server | None = None
        self.port = 0

    async def __aenter__(self) -> Self:
        self._listening = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        self.port = self._listening.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_error: object) -> None:
        assert self._listening is not None
        self._listening.close()
        await self._listening.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        method, target, _ = head.split(" ", 2)
        length = _LENGTH.search(head)
        body = await reader.readexactly(int(length[1]) if length else 0)
        answer = self._serve(Asked(method, target, body.decode()))
        status = HTTPStatus.FOUND if answer.location else HTTPStatus(answer.status)
        sent = answer.text.encode()
        lines = [f"HTTP/1.1 {status.value} {status.phrase}", f"content-length: {len(sent)}"]
        lines += [f"content-type: {answer.kind}"]
        lines += [f"location: {answer.location}"] if answer.location else []
        writer.write("\r\n".join([*lines, "connection: close", "", ""]).encode() + sent)
        await writer.drain()
        writer.close()


@dataclass(slots=True)
class Internet:
    """`names` gives each name its addresses, one for each time that it is asked for; the last one stays.

    `sites` says which server stands at an address. An address at which none stands is unreachable.
    """

    names: Mapping[str, Sequence[str]]
    sites: Mapping[Address, Site]
    _asked: dict[str, int] = field(default_factory=dict)

    def resolve(self, host: str) -> Address:
        """The address of a host as a lenient fetcher finds it. Raises Unreachable."""
        literal = _literal(host)
        if literal is not None:
            return literal
        answers = self.names.get(host.removesuffix("."))
        if not answers:
            raise Unreachable(f"{host}: there is no such name")
        time = self._asked[host] = self._asked.get(host, 0) + 1
        return ip_address(answers[min(time, len(answers)) - 1])

    async def ask(self, address: Address, asked: Asked) -> Answer:
        """One request to the server at an address, over its loopback port. Raises Unreachable."""
        site = self.sites.get(address)
        if site is None:
            raise Unreachable(f"{address}: nobody answers")
        reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
        body = asked.body.encode()
        head = f"{asked.method} {asked.target} HTTP/1.1\r\nhost: {address}\r\ncontent-length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        return _read(answer.decode())


@dataclass(slots=True, frozen=True)
class Egress:
    """An egress allow-list: it resolves a name once, goes on only to a listed host at a public address, to no other."""

    hosts: frozenset[str]

    def check(self, host: str, address: Address) -> None:
        """Raises Unreachable for what may not be asked."""
        if host not in self.hosts:
            raise Unreachable(f"the egress proxy does not list {host}")
        if not address.is_global:
            raise Unreachable(f"the egress proxy does not go to {address}")


async def fetch(internet: Internet, method: str, url: str, body: str = "", *, egress: Egress | None = None) -> str:
    """The text at a URL, across redirects, each hop resolved anew. Raises Unreachable."""
    connect: Callable[[str], Address] = internet.resolve if egress is None else _held_to(internet, egress)
    for _ in range(_HOPS):
        answer = await _hop(internet, connect, method, url, body)
        if not answer.location:
            return answer.text
        method, url, body = "GET", urljoin(url, answer.location), ""
    raise Unreachable("too many redirects")


def _held_to(internet: Internet, egress: Egress) -> Callable[[str], Address]:
    def connect(host: str) -> Address:
        address = internet.resolve(host)
        egress.check(host, address)
        return address

    return connect


def _hop(internet: Internet, connect: Callable[[str], Address], method: str, url: str, body: str) -> Awaitable[Answer]:
    split = urlsplit(url)
    if split.scheme not in {"http", "https"} or not split.hostname:
        raise Unreachable(f"{url}: no URL of a web page")
    target = (split.path or "/") + (f"?{split.query}" if split.query else "")
    return internet.ask(connect(split.hostname), Asked(method, target, body))


def _literal(host: str) -> Address | None:
    """An address in any notation that some fetcher understands; None for a name."""
    plain = normalize("NFKC", host).replace("\u3002", ".").removesuffix(".")
    try:
        address = ip_address(plain)
    except ValueError:
        return _short(plain)
    return address if isinstance(address, IPv4Address) else _inner(address)


def _short(text: str) -> IPv4Address | None:
    """Decimal, octal, hexadecimal and shortened IPv4, as the C library reads them."""
    try:
        return IPv4Address(socket.inet_aton(text)) if text[:1].isdigit() else None
    except OSError:
        return None


def _inner(address: IPv6Address) -> Address:
    """The IPv4 address inside: mapped, 6to4 and NAT64 reach it; `::1` is this machine."""
    if int(address) == 1:
        return IPv4Address("127.0.0.1")
    nat64 = IPv4Address(int(address) & 0xFFFFFFFF) if int(address) >> 32 == _NAT64 >> 32 else None
    return address.ipv4_mapped or address.sixtofour or nat64 or address


def _read(text: str) -> Answer:
    head, _, body = text.partition("\r\n\r\n")
    locations = [line.partition(": ")[2] for line in head.split("\r\n") if line.startswith("location: ")]
    return Answer(body, "".join(locations))
