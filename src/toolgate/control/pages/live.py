"""`/live`: records as they are indexed, as server-sent events, for the log that somebody has open.

A stream ends with the session or the rights that it was opened with, and when its reader does not keep up.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Final, cast

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from toolgate.control.following import Live, Stream
from toolgate.control.front import ENDING
from toolgate.control.identity.actor import Actor
from toolgate.control.identity.needed import actor_of, recognised
from toolgate.control.identity.refusals import Refusal
from toolgate.control.pages.routing import state
from toolgate.control.pages.wanted import wanted
from toolgate.control.recorded import seen_by
from toolgate.store import entering

CHECK_EVERY: Final = 5.0
"""Seconds after which a stream asks whether whoever opened it still may see it; also its heartbeat."""
SEND_WITHIN: Final = 10.0
"""Seconds for a reader to take what was sent."""


_END: Final = {"type": "http.response.body", "body": b"", "more_body": False}


class EventStream(Response):
    """Sends events until they end, the reader leaves, or does not take them in time."""

    media_type = "text/event-stream"

    def __init__(self, live: Live, stream: Stream, events: AsyncIterator[bytes]) -> None:
        super().__init__(None, headers={"cache-control": "no-store", "x-accel-buffering": "no"})
        del self.headers["content-length"]
        self._live = live
        self._stream = stream
        self._events = events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        ending = asyncio.create_task(scope[ENDING].wait())
        tasks = [asyncio.create_task(self._send(send)), asyncio.create_task(_left(receive)), ending]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            over = ending.done()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._live.close(self._stream)
        if over:
            await send(_END)

    async def _send(self, send: Send) -> None:
        async for event in self._events:
            async with asyncio.timeout(SEND_WITHIN):
                await send({"type": "http.response.body", "body": event, "more_body": True})
        await send(_END)


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _events(request: Request, actor: Actor, stream: Stream) -> AsyncIterator[bytes]:
    """What one reader is sent. It is told to come back after three seconds where this ends: then it is judged anew."""
    yield b"retry: 3000\n\n"
    checked = time.monotonic()
    while not stream.behind:
        waited = await stream.next(CHECK_EVERY)
        if time.monotonic() - checked >= CHECK_EVERY:
            if not await _still(request, actor):
                yield b"event: ended\ndata: the session or its rights changed\n\n"
                return
            checked = time.monotonic()
        yield waited or b": alive\n\n"


async def _still(request: Request, actor: Actor) -> bool:
    """Whether the credential that opened the stream still means the same; watching does not keep a session alive."""
    if not actor.session:
        return await recognised(Request({**request.scope, "state": {}})) == actor
    digest = bytes.fromhex(actor.session)
    found = await run_in_threadpool(entering.who, state(request).engine, digest, time.time())
    return found is not None and Actor.member(found[0], actor.session) == actor


async def _live(request: Request) -> Response:
    """Events of the records that the filters of the log let through; its reader is a script: a refusal has no page."""
    try:
        return await _opened(request)
    except Refusal as error:
        return PlainTextResponse(f"{error.place}: {error.cause}", error.status)


async def _opened(request: Request) -> Response:
    actor = await actor_of(request)
    if request.method == "HEAD":
        return Response(media_type=EventStream.media_type)
    asked = wanted(request.query_params, seen_by(actor))
    last = request.headers.get("last-event-id", "")
    live = cast("Live", request.app.state.live)
    stream = await live.open(actor.name, asked.filter, int(last) if last.isdecimal() and len(last) < 16 else None)
    return EventStream(live, stream, _events(request, actor, stream))


routes: list[BaseRoute] = [Route("/live", _live, methods=["GET"])]
