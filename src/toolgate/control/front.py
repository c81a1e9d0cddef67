"""The outermost part of the control plane: probes, the Host header, security headers, and loading what is behind.

The application is loaded when somebody first asks for a page: its libraries take half a second and 60 MB, which a
gateway that nobody looks at never spends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, MutableMapping
from typing import Any, Final

import msgspec

from toolgate.control.identity.refusals import TooLarge
from toolgate.control.status import Status

BODY_LIMIT: Final = 4 * 1024 * 1024
"""Bytes of a request: several times the longest policy document, as JSON or in a form."""

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

_POLICY: Final = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
    b" form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_ALWAYS: Final = (
    (b"content-security-policy", _POLICY),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
_UNLESS_SAID: Final = ((b"referrer-policy", b"same-origin"), (b"cache-control", b"no-store"))
ENDING: Final = "toolgate.ending"
_STRICT_TRANSPORT: Final = (b"strict-transport-security", b"max-age=31536000")


class Front:
    """The ASGI application that uvicorn runs. `load` makes the one behind it, once, in a thread."""

    def __init__(
        self, status: Status, hosts: Collection[str], load: Callable[[], Application], *, secure: bool
    ) -> None:
        self._status = status
        self._hosts = frozenset(host.lower() for host in hosts)
        self._load = load
        self._secure = secure
        self._behind: asyncio.Future[Application] | None = None
        self.ending = asyncio.Event()
        """Set when the process ends: answers that would go on for ever, end then. Each request has it in its scope."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; what is no HTTP request (a web socket) is not accepted."""
        if scope["type"] != "http":
            return
        send = self._guarded(send)
        if scope["path"] in {"/healthz", "/readyz"}:
            await self._probe(scope, send)
        elif self._host(scope) not in self._hosts:
            await _answer(send, 421, {"error": "this Host header means no control plane; see --control-url"})
        else:
            application = await self._application()
            await application({**scope, ENDING: self.ending}, _bounded(receive), send)

    async def _application(self) -> Application:
        if self._behind is None:
            self._behind = asyncio.get_running_loop().run_in_executor(None, self._load)
        return await asyncio.shield(self._behind)

    async def _probe(self, scope: Scope, send: Send) -> None:
        if scope["method"] not in {"GET", "HEAD"}:
            await _answer(send, 405, {"error": "a probe is a GET"})
        elif scope["path"] == "/healthz":
            await _answer(send, 200, {"status": "alive"})
        else:
            facts = await asyncio.to_thread(self._status.facts)
            await _answer(send, 200 if facts["status"] == "ready" else 503, facts)

    @staticmethod
    def _host(scope: Scope) -> str:
        """The one Host header; "" where there are none or several."""
        found = [value for name, value in scope["headers"] if name == b"host"]
        return found[0].decode("latin-1").lower() if len(found) == 1 else ""

    def _guarded(self, send: Send) -> Send:
        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", ()))
                said = {name.lower() for name, _ in headers}
                missing = [header for header in _UNLESS_SAID if header[0] not in said]
                strict = [_STRICT_TRANSPORT] if self._secure else []
                message = {**message, "headers": [*headers, *_ALWAYS, *missing, *strict]}
            await send(message)

        return guarded


def _bounded(receive: Receive) -> Receive:
    """The body as it arrives, up to the limit: then reading it raises TooLarge, which is answered like any refusal."""
    taken = 0

    async def bounded() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > BODY_LIMIT:
            raise TooLarge("request", f"is longer than {BODY_LIMIT} bytes", "send less at once")
        return message

    return bounded


async def _answer(send: Send, status: int, facts: dict[str, object]) -> None:
    body = msgspec.json.encode(facts)
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
