"""The server that the official conformance suite judges, directly and through the gateway: the official SDK's.

`python -m tests.conformance.server --http` serves HTTP on a free port and says its address; without it, stdio.
"""

from __future__ import annotations

import asyncio
import socket
import sys
import warnings
from itertools import count
from typing import Any

import uvicorn
from mcp.server import CacheHint, MCPServer, ServerRequestContext
from mcp.server.streamable_http import EventCallback, EventId, EventMessage, EventStore, StreamId
from mcp.shared.exceptions import MCPDeprecationWarning
from mcp_types import (
    CompleteRequestParams,
    CompleteResult,
    Completion,
    EmptyResult,
    JSONRPCMessage,
    SetLevelRequestParams,
    SubscribeRequestParams,
    UnsubscribeRequestParams,
)

from . import asking, content
from .skills import Skills
from .working import Tasks

RETRY = 50
"""Milliseconds after which a client whose stream was closed comes back."""


class Events(EventStore):
    """Keeps every event, for clients that resume."""

    def __init__(self) -> None:
        self._ids = count(1)
        self._events: dict[EventId, tuple[StreamId, JSONRPCMessage | None]] = {}

    async def store_event(self, stream_id: StreamId, message: JSONRPCMessage | None) -> EventId:
        event = str(next(self._ids))
        self._events[event] = (stream_id, message)
        return event

    async def replay_events_after(self, last_event_id: EventId, send_callback: EventCallback) -> StreamId | None:
        if last_event_id not in self._events:
            return None
        stream = self._events[last_event_id][0]
        for event, (of, message) in list(self._events.items()):
            if of == stream and int(event) > int(last_event_id) and message is not None:
                await send_callback(EventMessage(message, event))
        return stream


async def _complete(ctx: ServerRequestContext[Any, Any], params: CompleteRequestParams) -> CompleteResult:
    values = [word for word in ("test", "tested", "testing") if word.startswith(params.argument.value)]
    return CompleteResult(completion=Completion(values=values, total=len(values), has_more=False))


async def _accept(ctx: ServerRequestContext[Any, Any], params: Any) -> EmptyResult:
    return EmptyResult()


def build() -> MCPServer[Any]:
    hint = CacheHint(ttl_ms=1000, scope="public")
    server: MCPServer[Any] = MCPServer(
        "conformance",
        version="1.0.0",
        log_level="CRITICAL",
        tools=[content.tool_of_2020_12()],
        extensions=[Tasks(), Skills()],
        cache_hints={
            "tools/list": hint,
            "prompts/list": hint,
            "resources/list": hint,
            "resources/templates/list": hint,
            "resources/read": hint,
        },
    )
    for add in (
        content.add_tools,
        content.add_chatty_tools,
        content.add_resources,
        content.add_prompts,
        asking.add_requests,
        asking.add_unfinished,
        asking.add_unfinished_with_state,
    ):
        add(server)
    handlers = server._lowlevel_server  # only it registers what revision 2026-07-28 took away
    handlers.add_request_handler("completion/complete", CompleteRequestParams, _complete)
    handlers.add_request_handler("logging/setLevel", SetLevelRequestParams, _accept)
    handlers.add_request_handler("resources/subscribe", SubscribeRequestParams, _accept)
    handlers.add_request_handler("resources/unsubscribe", UnsubscribeRequestParams, _accept)
    return server


def main() -> None:
    warnings.simplefilter("ignore", MCPDeprecationWarning)  # logging and sampling are what older revisions have
    server = build()
    if "--http" not in sys.argv:
        server.run("stdio")
        return
    with socket.create_server(("127.0.0.1", 0)) as listening:
        # h11, because uvicorn's other reader of HTTP leaves the blanks after a header's value in it
        app = server.streamable_http_app(event_store=Events(), retry_interval=RETRY)
        print(f"http://127.0.0.1:{listening.getsockname()[1]}/mcp", flush=True)
        asyncio.run(uvicorn.Server(uvicorn.Config(app, log_level="warning", http="h11")).serve(sockets=[listening]))


if __name__ == "__main__":
    main()
