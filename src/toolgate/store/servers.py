"""MCP servers: where they are, how they are reached, and with which credentials."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine, Row
from sqlalchemy.exc import IntegrityError

from toolgate.keys import Sealer
from toolgate.store import headers, names
from toolgate.store.captures import MOST_DAYS
from toolgate.store.database import AnyRow, Writing, reading, writing
from toolgate.store.errors import BadInput, Conflict, NotStored
from toolgate.store.stops import Stop, stop_of
from toolgate.store.tables import (
    DEFAULT_ORGANISATION,
    definitions,
    grants,
    oauth_attempts,
    oauth_clients,
    oauth_tokens,
    servers,
    upstream_headers,
)


@dataclass(slots=True, frozen=True)
class Reach:
    """How the gateway gets to a server, beyond its URL. Files are read by the gateway when it connects."""

    allow_private: bool = False
    ca_file: str | None = None
    client_certificate: str | None = None
    client_key: str | None = None
    proxy: str | None = None


@dataclass(slots=True, frozen=True)
class Server:
    """A registered server: reached at its `url`, or started as its `command` (then the URL is `""`).

    `headers` are names with where the value comes from (`sealed` or `env:NAME`); those of a command are variables.
    `origin` is the configuration that made it, None for a person.
    """

    id: str
    name: str
    url: str
    command: tuple[str, ...]
    pin: bool
    reach: Reach
    protocol_revision: str | None
    created: float
    origin: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    tools: int = 0
    grants: int = 0
    capture: int | None = None
    """For how many days what its calls say is kept, sealed; None for not at all."""
    stopped: Stop | None = None


@dataclass(slots=True, frozen=True)
class Registration:
    """What is said of a server when it is registered: either a `url` or a `command`."""

    url: str = ""
    command: tuple[str, ...] = ()
    reach: Reach = Reach()
    pin: bool = False
    credentials: tuple[headers.HeaderInput, ...] = ()

    def check(self) -> None:
        """Raise BadInput for what cannot be registered."""
        if bool(self.url) == bool(self.command):
            raise BadInput("--url", "a server has either a URL or a command", "give one of --url and --command")
        if self.command and self.reach != Reach():
            cause = "settings of a connection mean nothing for a command"
            raise BadInput("--command", cause, "leave out --allow-private, the certificate files and the proxy")
        if self.url:
            names.check_url("--url", self.url, allow_private=self.reach.allow_private)
        if self.reach.proxy is not None:
            names.check_url("--proxy", self.reach.proxy, allow_private=True)
        headers.unique(self.credentials)

    def columns(self) -> dict[str, object]:
        """The registration as the table holds it."""
        command = json.dumps(self.command) if self.command else None
        return {"url": self.url, "command": command, "pin": self.pin, **asdict(self.reach)}


def add(  # noqa: PLR0913 - a registration is what its caller names of it
    engine: Engine,
    actor: str,
    name: str,
    url: str = "",
    *,
    command: Sequence[str] = (),
    reach: Reach = Reach(),
    pin: bool = False,
    credentials: Sequence[headers.HeaderInput] = (),
    sealer: Sealer | None = None,
    organisation: str = DEFAULT_ORGANISATION,
) -> Server:
    """Register a server; its credentials are sealed. Raises BadInput, or Conflict when the name is taken."""
    registration = Registration(url, tuple(command), reach, pin, tuple(credentials))
    with writing(engine, actor, organisation) as change:
        server_id = insert(change, name, registration, sealer)
    return get(engine, server_id, organisation=organisation)


def insert(
    change: Writing, name: str, registration: Registration, sealer: Sealer | None, origin: str | None = None
) -> str:
    """Register a server inside a transaction; returns its id. Raises BadInput, Conflict."""
    names.check_name("server name", name)
    registration.check()
    server_id = str(uuid.uuid4())
    values = {"id": server_id, "organisation_id": change.organisation, "name": name, "origin": origin}
    try:
        change.connection.execute(servers.insert().values(**values, **registration.columns(), created=change.now))
    except IntegrityError as error:
        raise _taken(name) from error
    for header in registration.credentials:
        _put_header(change.connection, server_id, header, sealer)
    change.note("add", "server", server_id, after={"name": name, **_told(registration)})
    return server_id


def amend(
    change: Writing,
    server_id: str,
    registration: Registration,
    sealer: Sealer | None,
    *,
    dropped: Sequence[str] = (),
) -> None:
    """Change how a server is reached, inside a transaction; its id, tools and grants stay. Raises BadInput.

    The credentials given are added to those that are there or take their place; the `dropped` names are deleted.
    """
    registration.check()
    find(change.connection, server_id, organisation=change.organisation)
    before = _read(change.connection, servers.c.id == server_id)[0]
    values = registration.columns()
    if (before.url, before.command) != (registration.url, registration.command):
        values["protocol_revision"] = None
    change.connection.execute(servers.update().where(servers.c.id == server_id).values(values))
    for name in dropped:
        _drop_header(change.connection, server_id, name)
    for header in registration.credentials:
        _drop_header(change.connection, server_id, header.name)
        _put_header(change.connection, server_id, header, sealer)
    was = Registration(before.url, before.command, before.reach, before.pin)
    after = {**_told(registration), "dropped": list(dropped)}
    change.note("change", "server", server_id, before={"name": before.name, **_told(was)}, after=after)


def capture(
    engine: Engine, actor: str, reference: str, days: int | None, *, organisation: str = DEFAULT_ORGANISATION
) -> Server:
    """Keep what the calls of a server say for so many days, sealed; None for not any more. Raises BadInput, NotStored.

    What was kept until now goes with its own time.
    """
    if days is not None and not 1 <= days <= MOST_DAYS:
        raise BadInput("--capture", f"`{days}` is no number of days from 1 to {MOST_DAYS}", "0 switches it off")
    with writing(engine, actor, organisation) as change:
        server_id = find(change.connection, reference, organisation=organisation).id
        before = _read(change.connection, servers.c.id == server_id)[0]
        change.connection.execute(servers.update().where(servers.c.id == server_id).values(capture=days))
        change.note("capture", "server", server_id, {"capture": before.capture}, {"capture": days})
    return get(engine, server_id, organisation=organisation)


def rename(change: Writing, server_id: str, name: str) -> None:
    """Call a server otherwise inside a transaction; its id, and so its address, stays. Raises BadInput, Conflict."""
    names.check_name("server name", name)
    before = find(change.connection, server_id, organisation=change.organisation).name
    if name == before:
        return
    try:
        change.connection.execute(servers.update().where(servers.c.id == server_id).values(name=name))
    except IntegrityError as error:
        raise _taken(name) from error
    change.note("rename", "server", server_id, before={"name": before}, after={"name": name})


def _taken(name: str) -> Conflict:
    cause = f"there is a server named `{name}` already"
    return Conflict("server name", cause, "choose another name, or remove that one first")


def _told(registration: Registration) -> dict[str, object]:
    """What administrators may read of a registration: never a value of a credential."""
    given = [header.name for header in registration.credentials]
    columns = {key: value for key, value in registration.columns().items() if value not in (None, "")}
    return {**columns, "headers": given}


def _put_header(connection: Connection, server_id: str, header: headers.HeaderInput, sealer: Sealer | None) -> None:
    if sealer is None:
        raise BadInput(header.name, "cannot be stored without the master key")
    stored = headers.seal(header, server_id, sealer)
    values = {"server_id": server_id, "name": stored.name, "sealed": stored.sealed, "variable": stored.variable}
    connection.execute(upstream_headers.insert().values(values))


def _drop_header(connection: Connection, server_id: str, name: str) -> None:
    table = upstream_headers
    connection.execute(table.delete().where(table.c.server_id == server_id, table.c.name == name))


def find(connection: Connection, reference: str, *, organisation: str = DEFAULT_ORGANISATION) -> Row[str, str]:
    """(id, name) of the living server with this name or id. Raises NotStored, for another organisation's as well."""
    column = servers.c.id if names.is_id(reference) else servers.c.name
    query = sa.select(servers.c.id, servers.c.name).where(
        column == reference, servers.c.removed.is_(None), servers.c.organisation_id == organisation
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        cause = f"there is no server `{names.shown(reference)}`"
        raise NotStored("server", cause, "`toolgate server list` shows all")
    return row


def living(change: Writing, reference: str) -> Server:
    """The server with this name or id, inside a transaction. Raises NotStored."""
    server_id = find(change.connection, reference, organisation=change.organisation).id
    return _read(change.connection, servers.c.id == server_id)[0]


def get(engine: Engine, reference: str, *, organisation: str = DEFAULT_ORGANISATION) -> Server:
    """The server with this name or id. Raises NotStored."""
    with reading(engine) as connection:
        server_id = find(connection, reference, organisation=organisation).id
        return _read(connection, servers.c.id == server_id)[0]


def every(
    engine: Engine, *, organisation: str = DEFAULT_ORGANISATION, after: str = "", limit: int | None = None
) -> list[Server]:
    """The servers that are not removed, by name: all, or at most `limit` whose names come after `after`."""
    with reading(engine) as connection:
        return _read(connection, sa.and_(servers.c.organisation_id == organisation, servers.c.name > after), limit)


def _read(connection: Connection, which: sa.ColumnElement[bool], limit: int | None = None) -> list[Server]:
    """Four statements, however many servers: they, their credentials, their tools counted, their grants counted."""
    living = sa.and_(which, servers.c.removed.is_(None))
    rows = connection.execute(sa.select(servers).where(living).order_by(servers.c.name).limit(limit)).all()
    ids = sa.select(servers.c.id).where(living).order_by(servers.c.name).limit(limit)
    credentials: dict[str, dict[str, str]] = {}
    mine = sa.select(upstream_headers).where(upstream_headers.c.server_id.in_(ids))
    for row in connection.execute(mine.order_by(upstream_headers.c.name)):
        source = f"env:{row.variable}" if row.variable else "sealed"
        credentials.setdefault(row.server_id, {})[row.name] = source
    present = sa.and_(definitions.c.server_id.in_(ids), definitions.c.status != "gone")
    tools = _counts(connection, definitions.c.server_id, definitions.c.name, present)
    living_grants = sa.and_(grants.c.server_id.in_(ids), grants.c.revoked.is_(None))
    granted = _counts(connection, grants.c.server_id, grants.c.id, living_grants)
    return [_server(row, credentials.get(row.id, {}), tools.get(row.id, 0), granted.get(row.id, 0)) for row in rows]


def _counts(
    connection: Connection, server_id: sa.Column[str], counted: sa.Column[str], which: sa.ColumnElement[bool]
) -> dict[str, int]:
    """How many different values of `counted` there are for each server: a tool may have two versions at once."""
    number = sa.func.count(counted.distinct()).label("number")
    query = sa.select(server_id.label("server_id"), number).where(which).group_by(server_id)
    return {row.server_id: row.number for row in connection.execute(query).all()}


def _server(row: AnyRow, credentials: dict[str, str], tools: int, granted: int) -> Server:
    return Server(
        id=row.id,
        name=row.name,
        url=row.url,
        command=tuple(json.loads(row.command)) if row.command else (),
        pin=row.pin,
        reach=Reach(row.allow_private, row.ca_file, row.client_certificate, row.client_key, row.proxy),
        protocol_revision=row.protocol_revision,
        created=row.created,
        origin=row.origin,
        headers=credentials,
        tools=tools,
        grants=granted,
        capture=row.capture,
        stopped=stop_of(row),
    )


def remove(engine: Engine, actor: str, reference: str, *, organisation: str = DEFAULT_ORGANISATION) -> list[str]:
    """Take a server away, with its credentials; its grants are revoked. Returns the ids of those grants."""
    with writing(engine, actor, organisation) as change:
        return drop(change, find(change.connection, reference, organisation=organisation).id)


def drop(change: Writing, server_id: str) -> list[str]:
    """`remove` inside a transaction."""
    name = find(change.connection, server_id, organisation=change.organisation).name
    living = sa.and_(grants.c.server_id == server_id, grants.c.revoked.is_(None))
    revoked = list(change.connection.scalars(sa.select(grants.c.id).where(living)))
    change.connection.execute(grants.update().where(living).values(revoked=change.now))
    for table in (upstream_headers, oauth_tokens, oauth_clients, oauth_attempts):
        change.connection.execute(table.delete().where(table.c.server_id == server_id))
    change.connection.execute(servers.update().where(servers.c.id == server_id).values(removed=change.now))
    for grant_id in revoked:
        change.note("revoke", "grant", grant_id, after={"because": f"server {name} removed"})
    change.note("remove", "server", server_id, before={"name": name})
    return revoked
