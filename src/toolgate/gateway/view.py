"""The gateway's memory: accesses by token digest, servers and compiled policies, kept by the database's deltas.

Rows that change are changed in place, so that a stream that has been open for hours is judged by today's policy.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from toolgate.background import complain
from toolgate.errors import ToolgateError
from toolgate.gateway.access import Access, Server, Tools, make_access
from toolgate.gateway.policies import Policies
from toolgate.keys import SealBroken, Sealer
from toolgate.store.headers import unseal
from toolgate.store.view import Change, GrantRow, ServerRow, View
from toolgate.upstream.interface import Upstream
from toolgate.upstream.registered import connected_ways, open_upstream
from toolgate.upstream.unavailable import Unavailable

GrantIds = set[str]


@dataclass(slots=True, frozen=True)
class News:
    """What a refresh brought: ids of grants, in `stopped` also of servers."""

    ended: GrantIds = field(default_factory=set)
    changed: GrantIds = field(default_factory=set)
    stopped: set[str] = field(default_factory=set)


class GatewayView:
    """Answers who may do what from memory. Use from the loop's thread.

    `ended` is called with the ids of grants whose streams must close, `changed` with those whose tools may now look
    different, `stopped` with those of grants and servers of which nothing may stay under way.
    """

    def __init__(
        self,
        view: View,
        header_sealer: Sealer,
        token_sealer: Sealer,
        max_staleness: float,
        ended: Callable[[GrantIds], None],
        changed: Callable[[GrantIds], None],
        stopped: Callable[[set[str]], None],
    ) -> None:
        self._view = view
        self._header_sealer = header_sealer
        self._token_sealer = token_sealer
        self._max_staleness = max_staleness
        self._ended = ended
        self._changed = changed
        self._stopped = stopped
        self._servers: dict[str, Server] = {}
        self._policies = Policies(view)
        self._refreshing = asyncio.Lock()
        self._accesses: dict[bytes, Access] = {}
        self._by_grant: dict[str, Access] = {}

    @property
    def fresh(self) -> bool:
        """False once the database has not been confirmed for `max_staleness` seconds: calls must be denied."""
        return time.monotonic() - self._view.confirmed_at <= self._max_staleness

    @property
    def seq(self) -> int:
        """The newest change of the database that this memory holds."""
        return self._view.seq

    @property
    def fault(self) -> str:
        """Why every call is denied now; "" when the memory is fresh."""
        return "" if self.fresh else "the database cannot be read"

    def access(self, digest: bytes) -> Access | None:
        """What the token with this digest gives; None where it is unknown, expired or revoked."""
        access = self._accesses.get(digest)
        if access is None:
            grant = self._view.grant(digest)
            access = self._grant_access(grant) if grant is not None else None
            if access is None:
                return None
        if access.expired(time.time()):
            self._end(access)
            return None
        return access

    def claimed(self, server_id: str) -> list[GrantRow]:
        """The living grants of a server that are for access tokens with certain claims."""
        return self._view.claimed(server_id)

    def standing(self, access: Access) -> str:
        """Why a call that was admitted by this access may not go on now; "" while it may."""
        if not self.fresh:
            return "The gateway could not read its database for too long."
        if access.stopped:
            return access.stopped
        if self._by_grant.get(access.grant_id) is not access or access.expired(time.time()):
            return "This grant, or the way to its server, changed or ended while the call waited."
        return ""

    def expire(self) -> None:
        """End the streams of grants that expired meanwhile; called now and then."""
        now = time.time()
        for access in [access for access in self._by_grant.values() if access.expired(now)]:
            self._end(access)

    def _end(self, access: Access) -> None:
        self._drop(access)
        self._ended({access.grant_id})

    async def refresh(self) -> None:
        """Apply what changed in the database since the last time; on return every request is judged by it."""
        async with self._refreshing:
            news = News()
            for change in self._view.refresh():
                await self._apply(change, news)
        if news.stopped:
            self._stopped(news.stopped)
        if news.ended:
            self._ended(news.ended)
        if news.changed - news.ended:
            self._changed(news.changed - news.ended)

    async def close(self) -> None:
        """Close every connection to the servers."""
        for server in self._servers.values():
            await server.upstream.close()
        self._view.close()

    async def _apply(self, change: Change, news: News) -> None:
        if change.kind == "grant":
            self._apply_grant(change.id, news)
        elif change.kind == "policy":
            await self._policies.renew(change.id)
            self._repolicy((a for a in self._by_grant.values() if a.grant.policy_id == change.id), news)
        elif change.kind == "definitions":
            self._apply_definitions(change.id, news)
        elif change.kind == "server":
            self._apply_server(change.id, news)
        elif change.kind == "credential":
            self._apply_credential(change.id)

    def _apply_grant(self, grant_id: str, news: News) -> None:
        row = self._view.grant_by_id(grant_id)
        if row is not None and row.stopped is not None:
            news.stopped.add(grant_id)
        access = self._by_grant.get(grant_id)
        if access is None:
            return
        if row is None or _other_holder(row, access.grant):
            self._drop(access)
            news.ended.add(grant_id)
            return
        access.take(row)
        self._repolicy([access], news)

    def _apply_definitions(self, server_id: str, news: News) -> None:
        server = self._servers.get(server_id)
        if server is not None:
            rows = self._view.definitions(server_id).values()
            server.tools = Tools(rows, pin=server.row.pin, before=server.tools)
            news.changed.update(a.grant_id for a in self._by_grant.values() if a.server_id == server_id)

    def _apply_server(self, server_id: str, news: News) -> None:
        """A server that is reached in another way is opened anew at the next call; exchanges under way go on.

        One that is stopped is opened anew after it is resumed: no connection and no process of it is kept till then.
        """
        row, server = self._view.server(server_id), self._servers.get(server_id)
        if row is not None and row.stopped is not None:
            news.stopped.add(server_id)
        if server is None:
            return
        if row is not None and _same_reach(row, server.row, self._header_sealer):
            server.row = row  # also where it is let go: held calls are judged by it
            if row.stopped is None:
                return
        del self._servers[server_id]
        server.upstream.retire()
        for access in [a for a in self._by_grant.values() if a.server_id == server_id]:
            self._drop(access)
            if server_id not in news.stopped:  # a stop ends all of it, not streams alone
                news.ended.add(access.grant_id)

    def _apply_credential(self, server_id: str) -> None:
        """Another access token is used from the next request on; nothing that is open ends for it."""
        server = self._servers.get(server_id)
        if server is not None:
            server.connected = self._connected(server.row, server.upstream)
            for access in self._by_grant.values():
                if access.server is server:
                    access.upstream = server.way(access.grant_id)

    def _repolicy(self, accesses: Iterable[Access], news: News) -> None:
        for access in accesses:
            access.judged_by(self._policies.get(access.grant.policy_id))
            news.changed.add(access.grant_id)

    def _grant_access(self, grant: GrantRow) -> Access | None:
        server = self._server(grant.server_id)
        if server is None:
            return None
        access = make_access(grant, server, self._policies.get(grant.policy_id))
        self._accesses[grant.digest] = self._by_grant[grant.id] = access
        return access

    def _drop(self, access: Access) -> None:
        self._accesses.pop(access.grant.digest, None)
        self._by_grant.pop(access.grant_id, None)

    def _server(self, server_id: str) -> Server | None:
        server = self._servers.get(server_id)
        if server is None:
            row = self._view.server(server_id)
            if row is None:
                return None
            tools = Tools(self._view.definitions(server_id).values(), pin=row.pin)
            upstream = self._upstream(row)
            server = self._servers[server_id] = Server(row, upstream, tools, self._connected(row, upstream))
        return server

    def _upstream(self, row: ServerRow) -> Upstream:
        """The way to the server; one that is misconfigured fails each call with the reason."""
        try:
            return open_upstream(row, self._header_sealer)
        except ToolgateError as error:
            complain(f"server {row.name} cannot be reached: {error}")
            return Unavailable(str(error))

    def _connected(self, row: ServerRow, upstream: Upstream) -> dict[str, Upstream]:
        return connected_ways(row, upstream, self._view.connections(row.id), self._token_sealer)


def _other_holder(row: GrantRow, before: GrantRow) -> bool:
    """Whether somebody else holds the grant now, or for another server: then what is open ends."""
    return (row.digest, row.server_id, row.claims) != (before.digest, before.server_id, before.claims)


def _same_reach(one: ServerRow, other: ServerRow, sealer: Sealer) -> bool:
    """Whether it is reached as before, whatever else is said of it, or seals its headers: then no connection ends."""
    one, other = (replace(row, protocol_revision=None, capture=None, stopped=None) for row in (one, other))
    if one == other:
        return True
    opened = _opened(one, sealer)
    same = opened is not None and opened == _opened(other, sealer)
    return same and replace(one, headers=()) == replace(other, headers=())


def _opened(row: ServerRow, sealer: Sealer) -> list[tuple[str, str]] | None:
    """The headers in the clear, references to the environment as they stand; None where a seal does not open."""
    try:
        return [
            (it.name, f"env:{it.variable}" if it.variable else unseal(row.name, it, row.id, sealer))
            for it in row.headers
        ]
    except SealBroken:
        return None
