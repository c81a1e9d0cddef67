"""Creations: each in one transaction with its admin event and, where the request has an `Idempotency-Key`, its answer.

The same request with the same key gets the same answer for a day, also a token that is shown once.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager
from typing import Annotated, Any, Final

import msgspec
from fastapi import Header
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from toolgate.control.api.refusals import Refused
from toolgate.control.api.requests import StrictRequest
from toolgate.control.api.shapes.words import Shown
from toolgate.control.identity.actor import Actor
from toolgate.control.state import State
from toolgate.keys import Sealer
from toolgate.store import idempotency
from toolgate.store.database import Writing, together

HEADER: Final = "idempotency-key"
REPLAYED: Final = "idempotency-replayed"
PATIENCE: Final = 30.0
"""Seconds for which a repeated request waits for the first one."""
_LOOK_EVERY: Final = 0.1
_KEY: Final = re.compile(r"[\x21-\x7e]{1,128}")

Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        description="Any word of yours, up to 128 characters: sent again with the same body within 24 hours, "
        "the request is answered as before and nothing is made twice.",
        examples=["0b1d7f2e"],
    ),
]


class Made(msgspec.Struct, frozen=True):
    """The answer to a creation."""

    status: int
    headers: dict[str, str]
    body: bytes
    under_way: bool = False

    @classmethod
    def of(
        cls, shape: type[Shown], value: Mapping[str, Any], location: str, *, status: int = 201, **headers: str
    ) -> Made:
        """An object of this shape, which is at `location`."""
        body = shape.model_validate(value).model_dump_json().encode()
        return cls(status, {"location": location, **headers}, body)

    def response(self, **headers: str) -> Response:
        """As it goes out."""
        return Response(self.body, self.status, {**self.headers, **headers}, media_type="application/json")


class Creation:
    """One request that makes something, and its key."""

    def __init__(self, request: Request) -> None:
        self._state: State = request.app.state.toolgate
        self._actor: Actor = request.state.actor
        self._key = _key(request)
        self._request = _digest(request)

    def once(self, make: Callable[[], Made]) -> Response:
        """Do it, whole or not at all, unless it was done before. What `make` raises undoes everything."""
        with self._together() as change:
            known = self.known(change)
            if known is not None:
                return known.response(**{REPLAYED: "true"})
            made = make()
            self.keep(change, made)
        return made.response()

    async def in_two_steps(self, begin: Callable[[], Made], finish: Callable[[], Awaitable[Made]]) -> Response:
        """Do what cannot all be in a transaction: `begin` is, and its answer is kept until `finish` has a better one.

        The same request meanwhile waits for that, and is answered as far as it went when it never comes.
        """
        known = await run_in_threadpool(self._begun, begin)
        if known is not None:
            return (await self._finished(known)).response(**{REPLAYED: "true"})
        made = await finish()
        await run_in_threadpool(self._end, made)
        return made.response()

    def _begun(self, begin: Callable[[], Made]) -> Made | None:
        """What is known of an earlier one; None when this is the first, which has begun then."""
        with self._together() as change:
            known = self.known(change)
            if known is None:
                self.keep(change, msgspec.structs.replace(begin(), under_way=True))
            return known

    async def _finished(self, known: Made) -> Made:
        until = asyncio.get_running_loop().time() + PATIENCE
        while known.under_way and asyncio.get_running_loop().time() < until:
            await asyncio.sleep(_LOOK_EVERY)
            now = await run_in_threadpool(self._now)
            known = now or known
        return known

    def _now(self) -> Made | None:
        with self._together() as change:
            return self.known(change)

    def _end(self, made: Made) -> None:
        with self._together() as change:
            self.keep(change, made)

    def _together(self) -> AbstractContextManager[Writing]:
        return together(self._state.engine, self._actor.name, self._actor.organisation)

    def known(self, change: Writing) -> Made | None:
        """The answer that this request got before."""
        if self._key is None:
            return None
        answer = idempotency.recall(change, self._key, self._request, self._sealer)
        return None if answer is None else msgspec.msgpack.decode(answer, type=Made)

    def keep(self, change: Writing, made: Made) -> None:
        """Remember the answer, in place of an earlier one."""
        if self._key is not None:
            idempotency.remember(change, self._key, self._request, msgspec.msgpack.encode(made), self._sealer)

    @property
    def _sealer(self) -> Sealer:
        return self._state.master.sealer(idempotency.PURPOSE)


def _key(request: Request) -> str | None:
    given = request.headers.getlist(HEADER)
    if not given:
        return None
    if len(given) > 1 or not _KEY.fullmatch(given[0]):
        cause, mend = "is not one word of 1 to 128 printing characters", "make one up for each request"
        raise Refused(422, "invalid", "Not understood", "Idempotency-Key", cause, mend)
    return given[0]


def _digest(request: Request) -> bytes:
    """What was asked: method, path and body."""
    assert isinstance(request, StrictRequest)
    return hashlib.sha256(f"{request.method} {request.url.path}\n".encode() + request.whole).digest()
