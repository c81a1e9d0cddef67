"""Which tools the server at the other end has: learned from the lists that pass, or asked for before the first call."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from typing import Final

import msgspec
from jiter import LosslessFloat

from toolgate.gateway import listing
from toolgate.gateway.access import Access
from toolgate.gateway.inspection import Learned
from toolgate.gateway.replies import NotUnderstood, Reply
from toolgate.protocol.messages import Message
from toolgate.protocol.revisions import CLIENT_CAPABILITIES_KEY, CLIENT_INFO_KEY, VERSION_KEY

_PATIENCE: Final = 15.0
"""Seconds for a page; a server that says nothing is then judged without its definitions."""
_MOST_PAGES: Final = 1_000
_ABOUT_CLIENT: Final = (VERSION_KEY, CLIENT_INFO_KEY, CLIENT_CAPABILITIES_KEY)


class _Page(msgspec.Struct, rename="camel"):
    next_cursor: str | None = None


class _Listed(msgspec.Struct):
    result: _Page


def _number(value: object) -> object:
    """A number with fraction or exponent, as it was written."""
    if isinstance(value, LosslessFloat):
        return msgspec.Raw(bytes(value))
    raise TypeError(type(value).__name__)


_LISTED: Final = msgspec.json.Decoder(_Listed)
_ENCODER: Final = msgspec.json.Encoder(enc_hook=_number)


class Definitions:
    """Of one server. Our own requests have ids that no client can know; their answers end here."""

    def __init__(self, access: Access, send: Callable[[bytes], None], learned: Learned) -> None:
        self.known = False
        """Whether every page of the present list was seen."""
        self._access = access
        self._send = send
        self._learned = learned
        self._prefix = f"toolgate-{secrets.token_hex(8)}-"
        self._asked = 0
        self._answer: asyncio.Future[bytes | None] | None = None
        self._asking: asyncio.Task[None] | None = None
        self._pages: dict[str | None, str | None] = {}

    async def wanted(self, call: Message) -> None:
        """Return when they are known, or the server does not tell them. `call` is what they are wanted for."""
        if self.known:
            return
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask(call))
        await asyncio.shield(self._asking)

    def saw(self, cursor: object, answer: bytes) -> None:
        """The client's own `tools/list` was answered; together its pages make the whole list."""
        if cursor is None or isinstance(cursor, str):
            self._pages[cursor] = _next_cursor(answer)
            self.known = self._whole()

    def forget(self) -> None:
        """The server says that its tools have changed."""
        self._pages.clear()
        self.known = False

    def is_ours(self, reply: Reply) -> bool:
        """Whether this answers one of our own requests."""
        return isinstance(reply.id, str) and reply.id.startswith(self._prefix)

    def answered(self, reply: Reply, raw: bytes) -> None:
        """Take the answer to the page that was asked for; others come too late."""
        answer = self._answer
        if answer is not None and not answer.done() and reply.id == self._id:
            answer.set_result(raw)

    def failed(self, message_id: object) -> None:
        """The page that was asked for will not come: the server cannot be reached."""
        answer = self._answer
        if answer is not None and not answer.done() and message_id == self._id:
            answer.set_result(None)

    def close(self) -> None:
        """Ask no more."""
        if self._asking is not None:
            self._asking.cancel()

    @property
    def _id(self) -> str:
        return f"{self._prefix}{self._asked}"

    def _whole(self) -> bool:
        cursor: str | None = None
        for _ in range(len(self._pages)):
            if cursor not in self._pages:
                return False
            cursor = self._pages[cursor]
            if cursor is None:
                return True
        return False

    async def _ask(self, call: Message) -> None:
        """Every page in turn. A page that is refused or not understood leaves the rest unknown."""
        params: dict[str, object] = {}
        about = {key: call.meta[key] for key in _ABOUT_CLIENT if key in call.meta}
        if about:
            params["_meta"] = about
        for _ in range(_MOST_PAGES):
            cursor = await self._page(params)
            if cursor is None:
                return
            params["cursor"] = cursor

    async def _page(self, params: dict[str, object]) -> str | None:
        """Learn one page; the cursor of the next, None where there is no more to ask."""
        self._asked += 1
        answer = self._answer = asyncio.get_running_loop().create_future()
        request = {"jsonrpc": "2.0", "id": self._id, "method": "tools/list", "params": params}
        self._send(_ENCODER.encode(request))
        await asyncio.wait((answer,), timeout=_PATIENCE)
        raw = answer.result() if answer.done() else None
        if raw is None:
            return None
        try:
            self._learned(self._access, listing.tools_of(raw))
            following = _next_cursor(raw)
        except NotUnderstood:
            return None
        self.known = following is None
        return following


def _next_cursor(answer: bytes) -> str | None:
    try:
        return _LISTED.decode(answer).result.next_cursor
    except msgspec.DecodeError as error:
        raise NotUnderstood(f"has a page of tools that cannot be read: {error}") from None
