"""OAuth connections of servers and grants: who we are to an authorization server, and the tokens it gave.

`store/access_tokens.py` seals what is secret here; `store/oauth_attempts.py` keeps the flows under way.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from toolgate.keys import SealBroken, Sealer
from toolgate.store.access_tokens import Tokens, open_tokens, seal_tokens
from toolgate.store.database import AnyRow, Writing, reading
from toolgate.store.tables import grants, oauth_clients, oauth_tokens, servers

ClientKind = Literal["document", "registered", "manual"]
"""Named by the URL of our own metadata document, registered by ourselves, or typed by an administrator."""

KIND: Final = "credential"
"""The kind of changes and events here; their target is the server."""
_LONGEST_WISH: Final = 2048
_OURS: Final = oauth_tokens.c


@dataclass(slots=True, frozen=True)
class Client:
    """This installation as a client of one authorization server, for one server.

    `metadata` is what the authorization server says of itself (JSON text), `scopes` what was asked for the last time.
    """

    issuer: str
    resource: str
    client_id: str
    kind: ClientKind
    scopes: str
    metadata: str = field(repr=False)
    secret: str = field(default="", repr=False)


@dataclass(slots=True, frozen=True)
class Connection:
    """What people may know of a connection. `grant_id` and `grant` (its label) are "" for the server's own."""

    server_id: str
    grant_id: str
    grant: str
    generation: int
    status: Literal["connected", "expired"]
    error: str
    scope: str
    wanted_scope: str
    connected_by: str
    connected: float
    refreshed: float
    expires: float | None
    refresh_at: float | None


@dataclass(slots=True, frozen=True)
class Granted:
    """What an authorization server just gave, for the server at `url`. Times in epoch seconds, None for never."""

    tokens: Tokens
    url: str
    scope: str
    expires: float | None
    refresh_at: float | None


def client_of(engine: Engine, server_id: str, sealer: Sealer) -> Client | None:
    """Who we are to the authorization server of a server. Raises SealBroken."""
    with reading(engine) as database:
        row = database.execute(sa.select(oauth_clients).where(oauth_clients.c.server_id == server_id)).one_or_none()
    if row is None:
        return None
    return Client(
        issuer=row.issuer,
        resource=row.resource,
        client_id=row.client_id,
        kind=row.kind,
        scopes=row.scopes,
        metadata=row.metadata,
        secret=_open_secret(row, sealer),
    )


def _open_secret(row: AnyRow, sealer: Sealer) -> str:
    if row.sealed_secret is None:
        return ""
    try:
        return sealer.open(row.sealed_secret, secret_binding(row.server_id, row.issuer)).decode()
    except SealBroken as error:
        raise SealBroken("OAuth client", "does not open with this master key", "connect the server again") from error


def connections(engine: Engine, server_id: str) -> list[Connection]:
    """The connections of a server, its own first. The caller has checked that the server is theirs."""
    label = sa.func.coalesce(grants.c.label, "").label("grant")
    joined = oauth_tokens.outerjoin(grants, grants.c.id == _OURS.grant_id)
    query = sa.select(oauth_tokens, label).select_from(joined).where(_OURS.server_id == server_id)
    with reading(engine) as database:
        return [_connection(row) for row in database.execute(query.order_by(_OURS.grant_id)).all()]


def _connection(row: AnyRow) -> Connection:
    facts: dict[str, Any] = {name: getattr(row, name) for name in Connection.__dataclass_fields__}
    return Connection(**facts)


def troubled(engine: Engine, *, organisation: str) -> set[str]:
    """The servers with a connection that somebody has to make again: it ended, or the server wants more."""
    trouble = sa.or_(_OURS.status != "connected", _OURS.wanted_scope != "")
    query = sa.select(_OURS.server_id).join(servers, servers.c.id == _OURS.server_id).where(trouble)
    with reading(engine) as database:
        return set(database.scalars(query.where(servers.c.organisation_id == organisation)))


def tokens_of(engine: Engine, server_id: str, grant_id: str, sealer: Sealer) -> tuple[Tokens, str] | None:
    """The tokens of a connection and the server's URL that they are for. Raises SealBroken."""
    query = sa.select(_OURS.sealed, servers.c.url).join(servers, servers.c.id == _OURS.server_id)
    with reading(engine) as database:
        row = database.execute(query.where(*_at(server_id, grant_id))).one_or_none()
    return None if row is None else (open_tokens(row.sealed, server_id, grant_id, row.url, sealer), row.url)


def stands(change: Writing, server_id: str, grant_id: str, url: str) -> bool:
    """Whether the server is still there and at this address, and the grant (if any) is a living one of it."""
    server = sa.and_(servers.c.id == server_id, servers.c.url == url, servers.c.removed.is_(None))
    mine = sa.and_(server, servers.c.organisation_id == change.organisation)
    if change.connection.execute(sa.select(servers.c.id).where(mine)).first() is None:
        return False
    living = sa.and_(grants.c.id == grant_id, grants.c.server_id == server_id, grants.c.revoked.is_(None))
    return not grant_id or change.connection.execute(sa.select(grants.c.id).where(living)).first() is not None


def connect(change: Writing, server_id: str, grant_id: str, client: Client, granted: Granted, sealer: Sealer) -> None:
    """Store a connection that a member just made, in place of an earlier one. The gateways use it at once."""
    put_client(change, server_id, client, sealer)
    before = change.connection.scalar(sa.select(_OURS.generation).where(*_at(server_id, grant_id)))
    change.connection.execute(oauth_tokens.delete().where(*_at(server_id, grant_id)))
    values = {
        "server_id": server_id,
        "grant_id": grant_id,
        "generation": (before or 0) + 1,
        "connected_by": change.actor,
        "connected": change.now,
        "wanted_scope": "",
        **fresh(server_id, grant_id, granted, sealer, change.now),
    }
    change.connection.execute(oauth_tokens.insert().values(values))
    told = {"issuer": client.issuer, "client_id": client.client_id, "scope": granted.scope}
    change.note("connect", KIND, server_id, after={**told, **({"grant": grant_id} if grant_id else {})})


def put_client(change: Writing, server_id: str, client: Client, sealer: Sealer) -> None:
    """Store who we are to the server's authorization server; the secret is bound to this server and that issuer."""
    sealed = sealer.seal(client.secret.encode(), secret_binding(server_id, client.issuer)) if client.secret else None
    columns = {key: value for key, value in asdict(client).items() if key != "secret"}
    change.connection.execute(oauth_clients.delete().where(oauth_clients.c.server_id == server_id))
    values = {"server_id": server_id, "sealed_secret": sealed, "created": change.now, **columns}
    change.connection.execute(oauth_clients.insert().values(values))


def fresh(server_id: str, grant_id: str, granted: Granted, sealer: Sealer, now: float) -> dict[str, object]:
    """The columns of a connection whose tokens were given just now."""
    return {
        "sealed": seal_tokens(granted.tokens, server_id, grant_id, granted.url, sealer),
        "scope": granted.scope,
        "status": "connected",
        "error": "",
        "refreshed": now,
        "expires": granted.expires,
        "refresh_at": granted.refresh_at,
        "lease_until": None,
        "lease_by": "",
    }


def disconnect(change: Writing, server_id: str, grant_id: str) -> bool:
    """Delete a connection; without a last one the client goes too. Returns whether there was one."""
    gone = change.connection.execute(oauth_tokens.delete().where(*_at(server_id, grant_id))).rowcount
    if gone:
        change.note("disconnect", KIND, server_id, before={"grant": grant_id} if grant_id else None)
    left = sa.select(_OURS.server_id).where(_OURS.server_id == server_id)
    if change.connection.execute(left).first() is None:
        change.connection.execute(oauth_clients.delete().where(oauth_clients.c.server_id == server_id))
    return gone > 0


def want(change: Writing, server_id: str, grant_id: str, generation: int, scope: str) -> bool:
    """Note what a server asked for beyond the scope of a connection; returns whether that is news.

    A server that asks for something else each time fills neither the row nor the administrators' events.
    """
    query = sa.select(_OURS.wanted_scope).where(*_at(server_id, grant_id), _OURS.generation == generation)
    known = change.connection.scalar(query)
    if known is None or set(scope.split()) <= set(known.split()):
        return False
    wanted = united(known, scope) if len(known) + len(scope) < _LONGEST_WISH else scope
    change.connection.execute(oauth_tokens.update().where(*_at(server_id, grant_id)).values(wanted_scope=wanted))
    if not known:
        after = {"wanted_scope": wanted, **({"grant": grant_id} if grant_id else {})}
        change.event("want_scope", KIND, server_id, after=after)
    return True


def united(one: str, other: str) -> str:
    """Two lists of scopes as one, in order, each scope once."""
    return " ".join(dict.fromkeys([*one.split(), *other.split()]))


def _at(server_id: str, grant_id: str) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    return _OURS.server_id == server_id, _OURS.grant_id == grant_id


def secret_binding(server_id: str, issuer: str) -> bytes:
    """What a sealed value is bound to: its place."""
    return f"client {server_id} {issuer}".encode()
