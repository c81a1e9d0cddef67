"""Webhooks: where calls that wait for a person are announced. URL and secret are sealed: whoever has them can act."""

from __future__ import annotations

import base64
import secrets
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Literal, get_args
from urllib.parse import urlsplit

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from toolgate.keys import Sealer
from toolgate.store import names
from toolgate.store.database import AnyRow, Writing, reading, writing
from toolgate.store.errors import BadInput, NotStored
from toolgate.store.tables import DEFAULT_ORGANISATION
from toolgate.store.tables import servers as server_table
from toolgate.store.tables import webhooks as table

PURPOSE: Final = "webhook"
"""The purpose of the master key's sealer; each record is bound to the id of its webhook."""

Format = Literal["generic", "slack"]
Links = Literal["open", "sign_in", "none"]
"""What the link in a message allows: to decide, to decide after signing in, or there is none."""

FORMATS: Final[tuple[Format, ...]] = get_args(Format)
LINKS: Final[tuple[Links, ...]] = get_args(Links)
_SECRET_BYTES: Final = 32
_PREFIX: Final = "whsec_"


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a webhook is told and what its links allow.

    `servers`: ids of the servers whose calls it hears of, None for every one. `values`: whether arguments are sent with
    their values. `allow_private`: whether its URL may lead into this machine or its networks.
    """

    servers: tuple[str, ...] | None = None
    values: bool = False
    links: Links = "open"
    allow_private: bool = False


@dataclass(slots=True, frozen=True)
class Webhook:
    """A webhook as people see it: of the URL only scheme and host, because the rest may be a secret."""

    id: str
    organisation: str
    name: str
    origin: str
    format: Format
    options: Options
    created: float
    disabled: float | None

    def hears(self, server_id: str) -> bool:
        """Whether calls of this server of its organisation are announced here, and decided on by its links."""
        servers = self.options.servers
        return servers is None or server_id in servers


class Target(msgspec.Struct, frozen=True):
    """What is sealed: the whole URL, and the secret that messages are signed with ("" for Slack, which checks none)."""

    url: str
    secret: str

    def __repr__(self) -> str:
        return "Target(...)"


@dataclass(slots=True, frozen=True)
class Made:
    """A webhook with its secret, which is shown once."""

    webhook: Webhook
    secret: str = field(repr=False)


def add(
    engine: Engine,
    actor: str,
    sealer: Sealer,
    *,
    name: str,
    url: str,
    format: str = "generic",  # noqa: A002 - the word of the form and of the table
    options: Options | None = None,
    organisation: str = DEFAULT_ORGANISATION,
) -> Made:
    """Make a webhook and its secret. Raises BadInput."""
    terms = options or Options()
    kind = _check_format(format)
    target = Target(check_url(url, terms), _mint_secret() if kind == "generic" else "")
    id_ = str(uuid.uuid4())
    with writing(engine, actor, organisation) as change:
        _check(change, name, terms, besides=id_)
        values = {"id": id_, "organisation_id": organisation, "name": name, "url": _origin(url), "format": kind}
        change.connection.execute(
            table.insert().values(
                **values, sealed=_seal(sealer, id_, target), options=_written(terms), created=change.now
            )
        )
        after = {"name": name, "url": _origin(url), "format": kind, **msgspec.to_builtins(terms)}
        change.event("add", "webhook", id_, after=after)
        return Made(_find(change.connection, id_, organisation), target.secret)


def amend(
    engine: Engine,
    actor: str,
    sealer: Sealer,
    id_: str,
    *,
    name: str,
    options: Options,
    url: str = "",
    organisation: str = DEFAULT_ORGANISATION,
) -> Webhook:
    """Give a webhook another name, other options, and, unless it is "", another URL. Raises BadInput, NotStored."""
    with writing(engine, actor, organisation) as change:
        before = _find(change.connection, id_, organisation)
        _check(change, name, options, besides=id_)
        known = _open(change.connection, sealer, id_)
        target = Target(check_url(url or known.url, options), known.secret)
        values = {"name": name, "url": _origin(target.url), "options": _written(options)}
        _update(change, id_, **values, sealed=_seal(sealer, id_, target))
        after = _find(change.connection, id_, organisation)
        change.event("change", "webhook", id_, _told(before), {**_told(after), "url_changed": target.url != known.url})
        return after


def renew(engine: Engine, actor: str, sealer: Sealer, id_: str, *, organisation: str = DEFAULT_ORGANISATION) -> Made:
    """Give a generic webhook a new secret; messages are signed with it from now on. Raises BadInput, NotStored."""
    with writing(engine, actor, organisation) as change:
        webhook = _find(change.connection, id_, organisation)
        if webhook.format != "generic":
            raise BadInput("webhook", "messages to Slack are not signed", "give it another URL instead")
        target = Target(_open(change.connection, sealer, id_).url, _mint_secret())
        _update(change, id_, sealed=_seal(sealer, id_, target))
        change.event("rotate", "webhook", id_)
        return Made(webhook, target.secret)


def switch(engine: Engine, actor: str, id_: str, *, enabled: bool, organisation: str = DEFAULT_ORGANISATION) -> Webhook:
    """Let a webhook rest (its links then decide nothing), or go on. Raises NotStored."""
    with writing(engine, actor, organisation) as change:
        webhook = _find(change.connection, id_, organisation)
        if enabled != (webhook.disabled is None):
            _update(change, id_, disabled=None if enabled else change.now)
            change.event("enable" if enabled else "disable", "webhook", id_, after={"name": webhook.name})
        return _find(change.connection, id_, organisation)


def remove(engine: Engine, actor: str, id_: str, *, organisation: str = DEFAULT_ORGANISATION) -> Webhook:
    """Take a webhook away, with all links that it sent. Raises NotStored."""
    with writing(engine, actor, organisation) as change:
        webhook = _find(change.connection, id_, organisation)
        _update(change, id_, removed=change.now, sealed=b"")
        change.event("remove", "webhook", id_, before=_told(webhook))
        return webhook


def get(engine: Engine, id_: str, *, organisation: str = DEFAULT_ORGANISATION) -> Webhook:
    """The webhook with this id. Raises NotStored."""
    with reading(engine) as connection:
        return _find(connection, id_, organisation)


def every(engine: Engine, *, organisation: str = DEFAULT_ORGANISATION) -> list[Webhook]:
    """The webhooks of an organisation, by name."""
    query = _living(table.c.organisation_id == organisation).order_by(table.c.name)
    with reading(engine) as connection:
        return [_webhook(row) for row in connection.execute(query)]


def enabled(engine: Engine) -> dict[str, Webhook]:
    """Those of all organisations that calls are announced to, by id."""
    with reading(engine) as connection:
        rows = connection.execute(_living(table.c.disabled.is_(None)))
        return {row.id: _webhook(row) for row in rows}


def target(engine: Engine, sealer: Sealer, id_: str) -> Target:
    """Where to send, and the secret to sign with. Raises NotStored, SealBroken."""
    with reading(engine) as connection:
        return _open(connection, sealer, id_)


def check_url(url: str, options: Options) -> str:
    """The URL of a webhook: https, and of a public host unless private ones are allowed. Raises BadInput."""
    permission = "that private addresses are allowed"
    names.check_url("url", url, allow_private=options.allow_private, permission=permission)
    host = urlsplit(url).hostname or ""
    if names.is_loopback(host) and not options.allow_private:
        raise BadInput("url", f"`{host}` is this machine itself", f"say {permission} if that is meant")
    return url


def _check(change: Writing, name: str, options: Options, besides: str) -> None:
    """Inside the writer's transaction, so that two cannot take one name."""
    names.check_name("name", name)
    namesake = _living(table.c.organisation_id == change.organisation, table.c.name == name, table.c.id != besides)
    if change.connection.execute(namesake).first() is not None:
        raise BadInput("name", f"there is a webhook `{name}` already", "choose another name")
    known = sa.select(server_table.c.id).where(server_table.c.organisation_id == change.organisation)
    stored = set(change.connection.scalars(known))
    if missing := set(options.servers or ()) - stored:
        raise BadInput("servers", f"there is no server `{names.shown(min(missing))}`", "choose from the list")


def _check_format(format_: str) -> Format:
    for known in FORMATS:
        if known == format_:
            return known
    raise BadInput("format", f"`{names.shown(format_)}` is not a format", f"choose one of {', '.join(FORMATS)}")


def _mint_secret() -> str:
    """A key in the form of the Standard Webhooks specification."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def signing_key(secret: str) -> bytes:
    """The bytes that a secret stands for."""
    return base64.b64decode(secret.removeprefix(_PREFIX))


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _written(options: Options) -> str:
    return msgspec.json.encode(options).decode()


def _told(webhook: Webhook) -> dict[str, object]:
    return {"name": webhook.name, "url": webhook.origin, **msgspec.to_builtins(webhook.options)}


def _seal(sealer: Sealer, id_: str, target: Target) -> bytes:
    return sealer.seal(msgspec.json.encode(target), id_.encode())


def _open(connection: Connection, sealer: Sealer, id_: str) -> Target:
    sealed = connection.scalar(sa.select(table.c.sealed).where(table.c.id == id_, table.c.removed.is_(None)))
    if sealed is None:
        raise _unknown(id_)
    return msgspec.json.decode(sealer.open(sealed, id_.encode()), type=Target)


def _update(change: Writing, id_: str, **values: object) -> None:
    change.connection.execute(table.update().where(table.c.id == id_).values(**values))


def _living(*which: sa.ColumnElement[bool]) -> sa.Select[*tuple[object, ...]]:
    columns: Iterable[sa.Column[object]] = [column for column in table.c if column.name != "sealed"]
    return sa.select(*columns).where(table.c.removed.is_(None), *which)


def _find(connection: Connection, id_: str, organisation: str) -> Webhook:
    row = connection.execute(_living(table.c.id == id_, table.c.organisation_id == organisation)).one_or_none()
    if row is None:
        raise _unknown(id_)
    return _webhook(row)


def _unknown(id_: str) -> NotStored:
    return NotStored("webhook", f"there is no webhook `{names.shown(id_)}`", "the settings list all")


def _webhook(row: AnyRow) -> Webhook:
    options = msgspec.json.decode(row.options, type=Options)
    return Webhook(row.id, row.organisation_id, row.name, row.url, row.format, options, row.created, row.disabled)
