"""What the database holds now, in the form that a configuration is compared with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from toolgate.store.database import AnyRow
from toolgate.store.grants import Terms
from toolgate.store.headers import StoredHeader
from toolgate.store.servers import Reach, Registration
from toolgate.store.tables import DEFAULT_ORGANISATION, grants, policies, policy_revisions, servers, upstream_headers


@dataclass(slots=True, frozen=True)
class PresentServer:
    """A living server; its registration here has no credentials, they stand sealed beside it."""

    id: str
    name: str
    registration: Registration
    credentials: Mapping[str, StoredHeader]
    origin: str | None


@dataclass(slots=True, frozen=True)
class PresentPolicy:
    """A living policy with the digest of its current revision."""

    id: str
    name: str
    revision: int
    digest: str
    origin: str | None


@dataclass(slots=True, frozen=True)
class PresentGrant:
    """A grant that is not revoked; it may be expired."""

    id: str
    label: str
    terms: Terms
    digest: bytes
    created: float
    origin: str | None


@dataclass(slots=True, frozen=True)
class Present:
    """Everything that lives, as one transaction sees it. Labels of grants may stand more than once."""

    servers: Mapping[str, PresentServer]
    policies: Mapping[str, PresentPolicy]
    grants: tuple[PresentGrant, ...]


def read_present(connection: Connection) -> Present:
    """Read it all; an installation is small beside the calls it judges."""
    found = [_server(connection, row) for row in connection.execute(_living(servers)).all()]
    joined = sa.select(policies, policy_revisions.c.digest).join(
        policy_revisions,
        sa.and_(policy_revisions.c.policy_id == policies.c.id, policy_revisions.c.revision == policies.c.revision),
    )
    kept = joined.where(policies.c.removed.is_(None), policies.c.organisation_id == DEFAULT_ORGANISATION)
    stored = [PresentPolicy(r.id, r.name, r.revision, r.digest, r.origin) for r in connection.execute(kept)]
    mine = sa.and_(grants.c.revoked.is_(None), grants.c.organisation_id == DEFAULT_ORGANISATION)
    given = connection.execute(sa.select(grants).where(mine).order_by(grants.c.created, grants.c.id))
    return Present(
        servers={server.name: server for server in found},
        policies={policy.name: policy for policy in stored},
        grants=tuple(_grant(row) for row in given),
    )


def _living(table: sa.Table) -> sa.Select[*tuple[object, ...]]:
    return sa.select(table).where(table.c.removed.is_(None), table.c.organisation_id == DEFAULT_ORGANISATION)


def _server(connection: Connection, row: AnyRow) -> PresentServer:
    stored = connection.execute(sa.select(upstream_headers).where(upstream_headers.c.server_id == row.id))
    command = tuple(json.loads(row.command)) if row.command else ()
    reach = Reach(row.allow_private, row.ca_file, row.client_certificate, row.client_key, row.proxy)
    return PresentServer(
        id=row.id,
        name=row.name,
        registration=Registration(row.url, command, reach, row.pin),
        credentials={header.name: StoredHeader(header.name, header.sealed, header.variable) for header in stored},
        origin=row.origin,
    )


def _grant(row: AnyRow) -> PresentGrant:
    terms = Terms(
        row.server_id, row.policy_id, row.principal, json.loads(row.labels), row.expires, json.loads(row.claims or "{}")
    )
    return PresentGrant(row.id, row.label, terms, row.digest, row.created, row.origin)
