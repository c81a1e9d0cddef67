"""Renews the access tokens of connections before they end, each by one process at a time."""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from collections import deque
from collections.abc import Callable
from typing import Final

from sqlalchemy.engine import Engine

from toolgate.control.connecting.asking import Asking
from toolgate.control.connecting.failures import Refused
from toolgate.control.connecting.parameters import refresh_request
from toolgate.control.connecting.tokens import redeem
from toolgate.errors import ToolgateError
from toolgate.gateway.unauthorized import Refusal
from toolgate.keys import MasterKey, SealBroken, Sealer
from toolgate.store import oauth, oauth_renewals, servers
from toolgate.store.access_tokens import PURPOSE, Tokens
from toolgate.store.database import writing
from toolgate.store.errors import Busy
from toolgate.store.oauth import Client
from toolgate.store.oauth_renewals import ACTOR, Due
from toolgate.store.servers import Server

_AT_ONCE: Final = 32
_REMEMBERED: Final = 1_000
_REST: Final = 60.0
"""Seconds that a token is given before a refusal of it is worth another one."""
_GRACE: Final = 2.5
_TRIES: Final = 4
_FIRST_PAUSE: Final = 5.0
_LONGEST_PAUSE: Final = 300.0


class Renewing:
    """Renews what is due. `changed` tells the gateways. Several processes may do this over one database."""

    def __init__(self, engine: Engine, master: MasterKey, changed: Callable[[], object]) -> None:
        self._engine = engine
        self._master = master
        self._changed = changed
        self._holder = secrets.token_hex(8)
        self._failures: dict[tuple[str, str], int] = {}
        self._refusals: deque[Refusal] = deque(maxlen=_REMEMBERED)
        self._room = asyncio.Semaphore(_AT_ONCE)
        self._under_way: set[asyncio.Task[None]] = set()

    @property
    def _sealer(self) -> Sealer:
        """Asked for each time: the master key may have been rotated meanwhile."""
        return self._master.sealer(PURPOSE)

    async def step(self) -> None:
        """Renew every connection whose time has come; done when each of them is stored or put off."""
        while self._refusals:
            await asyncio.to_thread(self._heed, self._refusals.popleft())
        await asyncio.to_thread(oauth_renewals.sweep, self._engine)
        due = await asyncio.to_thread(oauth_renewals.due, self._engine, time.time())
        turns = [asyncio.create_task(self._turn(connection)) for connection in due]
        self._under_way.update(turns)
        for turn in turns:
            turn.add_done_callback(self._under_way.discard)
        # Whoever cancels this step cancels no renewal: a refresh token that was sent is spent.
        await asyncio.gather(*(asyncio.shield(turn) for turn in turns))

    async def close(self) -> None:
        """Let renewals under way come to their end, within the time that a process has to go."""
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=_GRACE)

    def refused(self, refusal: Refusal) -> None:
        """Heed, at the next step, what a gateway says: a server did not take a token, or wants a scope besides."""
        self._refusals.append(refusal)

    def _heed(self, refusal: Refusal) -> None:
        where = (refusal.server, refusal.grant, refusal.generation)
        if not refusal.scope:
            oauth_renewals.hurry(self._engine, *where, _REST)
            return
        organisation = oauth_renewals.organisation_of(self._engine, refusal.server)
        if organisation:
            with writing(self._engine, ACTOR, organisation) as change:
                oauth.want(change, *where, refusal.scope)

    async def _turn(self, connection: Due) -> None:
        async with self._room:
            if await asyncio.to_thread(oauth_renewals.lease, self._engine, connection, self._holder):
                await self._renew(connection)

    async def _renew(self, connection: Due) -> None:
        try:
            server, client, tokens = await asyncio.to_thread(self._known, connection)
            body = refresh_request(tokens.refresh, client.resource)
            granted = await redeem(Asking(server), client, body, connection.scope, tokens)
        except (Refused, SealBroken) as error:
            await asyncio.to_thread(self._expire, connection, str(error))
        except ToolgateError as error:
            await asyncio.to_thread(self._put_off, connection, str(error))
        else:
            await asyncio.to_thread(self._store, connection, granted)

    def _known(self, connection: Due) -> tuple[Server, Client, Tokens]:
        """What a renewal needs. Raises Refused where it cannot be, SealBroken."""
        server = servers.get(self._engine, connection.server_id, organisation=connection.organisation)
        client = oauth.client_of(self._engine, server.id, self._sealer)
        opened = oauth.tokens_of(self._engine, server.id, connection.grant_id, self._sealer)
        if client is None or opened is None:
            raise Refused("connection", "is not whole any more", "connect again")
        tokens, _url = opened
        if (tokens.issuer, tokens.client_id) != (client.issuer, client.client_id):
            raise Refused("connection", "is of another authorization server than the server's is now", "connect again")
        if not tokens.refresh:
            raise Refused("access token", "ended or was refused, and nothing was given to renew it", "connect again")
        return server, client, tokens

    def _store(self, connection: Due, granted: oauth.Granted) -> None:
        self._failures.pop(_key(connection), None)
        for tries_left in reversed(range(_TRIES)):
            try:
                stored = oauth_renewals.renewed(self._engine, connection, self._holder, granted, self._sealer)
            except Busy:  # another writer for ten seconds; these tokens exist nowhere else
                if not tries_left:
                    raise
            else:
                break
        if stored:
            self._changed()

    def _expire(self, connection: Due, reason: str) -> None:
        self._failures.pop(_key(connection), None)
        oauth_renewals.expire(self._engine, connection, self._holder, reason)

    def _put_off(self, connection: Due, reason: str) -> None:
        failures = self._failures[_key(connection)] = self._failures.get(_key(connection), 0) + 1
        pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** (failures - 1))
        until = time.time() + pause * (0.8 + 0.2 * random.random())  # noqa: S311 - spreads load, decides nothing
        oauth_renewals.put_off(self._engine, connection, self._holder, until, reason)


def _key(connection: Due) -> tuple[str, str]:
    return connection.server_id, connection.grant_id
