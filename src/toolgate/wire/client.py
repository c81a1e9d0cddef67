"""HTTP/1.1 toward servers: connections that are kept and shared."""

from __future__ import annotations

import asyncio
import math
import ssl
from collections import deque
from dataclasses import dataclass

from toolgate.wire.failures import BadAnswer, ConnectFailed, Lost, PoolFull, TimedOut, UpstreamError
from toolgate.wire.limits import PoolLimits
from toolgate.wire.link import Link
from toolgate.wire.rendering import Fields, request_fields, request_line
from toolgate.wire.response import Response
from toolgate.wire.sweep import Sweep

__all__ = [
    "BadAnswer",
    "ConnectFailed",
    "Lost",
    "Origin",
    "Pool",
    "PoolFull",
    "PoolLimits",
    "Response",
    "TimedOut",
    "UpstreamError",
]

_LINES = 64  # distinct request lines remembered; a server's endpoint is one


@dataclass(slots=True, frozen=True)
class Origin:
    """Where a pool connects. `addresses` are IP literals, tried in order; names are never resolved here.

    `tls` (built once, None for `http`) may bring client certificates; the server must prove that it is `host`.
    """

    scheme: str
    host: str
    port: int
    addresses: tuple[str, ...]
    tls: ssl.SSLContext | None = None

    @property
    def authority(self) -> str:
        """The value of `Host`."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = 443 if self.scheme == "https" else 80
        return host if self.port == usual else f"{host}:{self.port}"


@dataclass(slots=True, frozen=True, eq=False)
class _Queued:
    turn: asyncio.Future[Link | None]  # brings a connection, or the permission to open one
    until: float
    deadline: float


class Pool:
    """The connections to one origin; made inside a running loop. No redirects, no resending, no proxies."""

    def __init__(self, origin: Origin, limits: PoolLimits | None = None) -> None:
        if (origin.scheme == "https") != (origin.tls is not None):
            raise ValueError("an origin has a TLS context if and only if its scheme is https")
        self.origin = origin
        self.limits = limits or PoolLimits()
        self.loop = asyncio.get_running_loop()
        self.place = origin.authority
        self._links: set[Link] = set()
        self._idle: list[Link] = []  # the last used is taken first, so that the others can time out
        self._opening = 0  # connections not yet among the links
        self._queue: deque[_Queued] = deque()
        self._down_until = -math.inf
        self._closed = False
        self._empty = asyncio.Event()
        self._lines: dict[tuple[str, str], bytes] = {}
        self._sweep = Sweep(self.loop, self.limits.tick, self._links, self._look_at_queue)

    @property
    def connections(self) -> int:
        """How many connections are open or being opened."""
        return len(self._links) + self._opening

    @property
    def idle(self) -> int:
        """How many connections wait for a request."""
        return len(self._idle)

    async def send(
        self, method: str, target: str, headers: Fields, body: bytes = b"", timeout: float = 300.0
    ) -> Response:
        """Send a request and give the answer as soon as its head has come. Header names in lower case.

        `timeout` (seconds) covers the queue, the connect, the head of the answer, and the body if it is read by `read`.
        A cancelled call cuts its connection at once. Raises UpstreamError; the request is never sent twice.
        """
        deadline = self.loop.time() + timeout
        head = self._render(method, target, headers, body)
        link = self._take() or await self._acquire(deadline)
        answer = link.send(head, body, method, deadline)
        try:
            return await answer
        except asyncio.CancelledError:
            _drop(link, answer)
            raise

    def _render(self, method: str, target: str, headers: Fields, body: bytes) -> bytes:
        line = self._lines.get((method, target))
        if line is None:
            line = request_line(method, target, self.origin.authority)
            if len(self._lines) >= _LINES:
                self._lines.clear()
            self._lines[method, target] = line
        if body or method in ("POST", "PUT", "PATCH"):
            return b"%b%bcontent-length: %d\r\n\r\n" % (line, request_fields(headers), len(body))
        return line + request_fields(headers) + b"\r\n"

    # --- who gets a connection

    def _take(self) -> Link | None:
        idle = self._idle
        while idle:
            link = idle.pop()
            if link.usable:
                link.deadline = math.inf
                return link
        return None

    async def _acquire(self, deadline: float) -> Link:
        """Open a connection, or wait for one where there are enough."""
        while not self._closed:
            if self.connections < self.limits.connections:
                self._opening += 1
                return await self._connect(deadline)
            link = await self._queued(deadline)
            if link is None:
                return await self._connect(deadline)
            if link.usable:
                return link
        raise PoolFull(self.place, "the pool is closed")

    async def _queued(self, deadline: float) -> Link | None:
        if len(self._queue) >= self.limits.queue:
            raise PoolFull(self.place, f"{self.limits.connections} connections are busy and the queue is full")
        queued = _Queued(self.loop.create_future(), self.loop.time() + self.limits.queue_timeout, deadline)
        self._queue.append(queued)
        self._sweep.start()
        try:
            return await queued.turn
        except asyncio.CancelledError:
            self._decline(queued)
            raise

    def _decline(self, queued: _Queued) -> None:
        """Pass on what a cancelled call was given in the same turn of the loop."""
        turn = queued.turn
        if turn.cancelled() or turn.exception() is not None:
            if queued in self._queue:
                self._queue.remove(queued)
            return
        link = turn.result()
        if link is None:
            self._opening -= 1
            self._offer_places()
        elif link.usable:
            self.freed(link)

    def _offer(self, link: Link | None) -> bool:
        while self._queue:
            queued = self._queue.popleft()
            if not queued.turn.done():
                queued.turn.set_result(link)
                return True
        return False

    def _offer_places(self) -> None:
        while self.connections < self.limits.connections and self._offer(None):
            self._opening += 1

    # --- opening

    async def _connect(self, deadline: float) -> Link:
        try:
            return await self._open(deadline)
        finally:
            self._opening -= 1
            self._offer_places()

    async def _open(self, deadline: float) -> Link:
        if self.loop.time() < self._down_until:
            raise ConnectFailed(self.place, "it could not be reached a moment ago")
        causes = []
        for address in self.origin.addresses:
            patience = asyncio.timeout_at(min(deadline, self.loop.time() + self.limits.connect_timeout))
            try:
                async with patience:
                    return await self._dial(address)
            except OSError as error:
                causes.append(f"{address}: {str(error) or 'no connection in time'}")
            if patience.expired() and patience.when() == deadline:
                raise TimedOut(self.place, "no connection in time", sent=False)
        self._down_until = self.loop.time() + self.limits.backoff
        raise ConnectFailed(self.place, "; ".join(causes) or "it has no address")

    async def _dial(self, address: str) -> Link:
        origin = self.origin
        name = origin.host if origin.tls is not None else None
        link = Link(self)
        connected = False
        try:
            await self.loop.create_connection(lambda: link, address, origin.port, ssl=origin.tls, server_hostname=name)
            connected = link.usable
        finally:
            if not connected:
                link.forsake()
        if not connected:
            raise ConnectionResetError("it hung up at once")
        return link

    # --- what connections call

    def joined(self, link: Link) -> None:
        """Count an open connection in: the origin is there, whatever an earlier attempt found."""
        self._down_until = -math.inf
        self._links.add(link)
        self._sweep.start()
        if self._closed:
            link.abort()

    def left(self, link: Link) -> None:
        """Count a lost connection out."""
        self._links.discard(link)
        if self._closed and not self._links:
            self._empty.set()
        if link in self._idle:
            self._idle.remove(link)
        self._offer_places()

    def freed(self, link: Link) -> None:
        """Take a connection back whose exchange is over."""
        if self._closed:
            link.abort()
        elif not self._queue or not self._offer(link):
            link.deadline = self.loop.time() + link.idle_for
            self._idle.append(link)

    # --- time and the end

    def _look_at_queue(self, now: float) -> None:
        for queued in tuple(self._queue):
            if not queued.turn.done() and now >= min(queued.until, queued.deadline):
                queued.turn.set_exception(self._too_late(queued))
                self._queue.remove(queued)
        if not self._links and not self._queue:
            self._sweep.stop()

    def _too_late(self, queued: _Queued) -> UpstreamError:
        if queued.deadline <= queued.until:
            return TimedOut(self.place, "no connection came free in time", sent=False)
        return PoolFull(self.place, "no connection came free in time")

    async def close(self) -> None:
        """Cut every connection, fail every waiting call."""
        self._closed = True
        for queued in self._queue:
            if not queued.turn.done():
                queued.turn.set_exception(PoolFull(self.place, "the pool is closed"))
        self._queue.clear()
        for link in tuple(self._links):
            link.abort()
        if self._links:
            await self._empty.wait()
        self._sweep.stop()


def _drop(link: Link, answer: asyncio.Future[Response]) -> None:
    """End what a cancelled call began. Its connection may be another call's by now, if the answer came in this turn."""
    if answer.cancelled() or answer.exception() is not None:
        link.abort()
    else:
        answer.result().close()
