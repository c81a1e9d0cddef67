"""The tables, in portable types only: SQLite now, PostgreSQL later.

Times are seconds since 1970 (UTC) as double precision. Identifiers are lower-case UUIDs in text. Nothing that a record
may refer to is deleted: servers and policies are marked removed, grants revoked, definitions gone.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    text,
)

DEFAULT_ORGANISATION = "00000000-0000-4000-8000-000000000001"

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite counts by itself only in a column that is exactly INTEGER.
Counting = BigInteger().with_variant(Integer, "sqlite")
Identifier = String(36)


def _organisation() -> Column[str]:
    return Column("organisation_id", Identifier, ForeignKey("organisations.id"), nullable=False)


def _name_index(table: Table) -> Index:
    """One living row per name and organisation; a removed row frees its name."""
    alive = text("removed IS NULL")
    columns: list[Column[Any]] = [table.c.organisation_id, table.c.name]
    return Index(f"uq_{table.name}_name", *columns, unique=True, sqlite_where=alive, postgresql_where=alive)


organisations = Table(
    "organisations",
    metadata,
    Column("id", Identifier, primary_key=True),
    Column("name", String(64), nullable=False, unique=True),
    Column("created", Double, nullable=False),
)

# A server has a `url`, or (then that is empty) a `command`: a JSON list of words. `origin` here and below is the
# configuration that made the row; null for what a person made, which no configuration removes.
servers = Table(
    "servers",
    metadata,
    Column("id", Identifier, primary_key=True),
    _organisation(),
    Column("name", String(64), nullable=False),
    Column("url", Text, nullable=False),
    Column("allow_private", Boolean, nullable=False),
    Column("pin", Boolean, nullable=False),
    Column("ca_file", Text),
    Column("client_certificate", Text),
    Column("client_key", Text),
    Column("proxy", Text),
    Column("protocol_revision", String(32)),
    Column("created", Double, nullable=False),
    Column("removed", Double),
    Column("command", Text),
    Column("origin", Text),
)
_name_index(servers)

# A header, or for a command an environment variable: either sealed (the value, bound to this server and name) or a
# reference to the gateway's environment.
upstream_headers = Table(
    "upstream_headers",
    metadata,
    Column("server_id", Identifier, ForeignKey("servers.id"), primary_key=True),
    Column("name", String(128), primary_key=True),
    Column("sealed", LargeBinary),
    Column("variable", String(256)),
)

# `accepted` is when somebody, or the absence of pinning, let this version in; null while it is withheld.
definitions = Table(
    "definitions",
    metadata,
    Column("id", Counting, primary_key=True, autoincrement=True),
    Column("server_id", Identifier, ForeignKey("servers.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("definition", Text, nullable=False),
    Column("first_seen", Double, nullable=False),
    Column("last_seen", Double, nullable=False),
    Column("accepted", Double),
    Column("status", String(8), nullable=False),
    Index("uq_definitions_version", "server_id", "name", "fingerprint", unique=True),
    sqlite_autoincrement=True,
)

policies = Table(
    "policies",
    metadata,
    Column("id", Identifier, primary_key=True),
    _organisation(),
    Column("name", String(64), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("created", Double, nullable=False),
    Column("removed", Double),
    Column("origin", Text),
)
_name_index(policies)

policy_revisions = Table(
    "policy_revisions",
    metadata,
    Column("policy_id", Identifier, ForeignKey("policies.id"), primary_key=True),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("document", Text, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("author", Text, nullable=False),
    Column("created", Double, nullable=False),
)

grants = Table(
    "grants",
    metadata,
    Column("id", Identifier, primary_key=True),
    _organisation(),
    Column("digest", LargeBinary(32), nullable=False, unique=True),
    Column("label", Text, nullable=False),
    Column("principal", Text, nullable=False),
    Column("labels", Text, nullable=False),
    Column("server_id", Identifier, ForeignKey("servers.id"), nullable=False),
    Column("policy_id", Identifier, ForeignKey("policies.id")),
    Column("created", Double, nullable=False),
    Column("expires", Double),
    Column("revoked", Double),
    Column("rotated", Double),
    Column("origin", Text),
    Index("ix_grants_label", "label"),
    Index("ix_grants_server_id", "server_id"),
)

changes = Table(
    "changes",
    metadata,
    Column("seq", Counting, primary_key=True, autoincrement=True),
    Column("kind", String(16), nullable=False),
    Column("id", Identifier, nullable=False),
    sqlite_autoincrement=True,
)

admin_events = Table(
    "admin_events",
    metadata,
    Column("id", Counting, primary_key=True, autoincrement=True),
    Column("time", Double, nullable=False),
    _organisation(),
    Column("actor", Text, nullable=False),
    Column("action", String(32), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("target", Identifier, nullable=False),
    Column("before", Text),
    Column("after", Text),
    Index("ix_admin_events_time", "time"),
    sqlite_autoincrement=True,
)

# The index of the journal: filled from it, and rebuilt from it when lost.
records = Table(
    "records",
    metadata,
    Column("chain", String(64), primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("time", Double, nullable=False),
    Column("decision_id", String(64), nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("grant_id", Text),
    Column("grant_label", Text),
    Column("server_id", Text),
    Column("method", Text),
    Column("tool", Text),
    Column("rule", Text),
    Column("policy_id", Text),
    Column("revision", Integer),
    Column("message", Text),
    Column("entry", Text, nullable=False),
    Column("result", Text),
    Index("ix_records_time", "time"),
    Index("ix_records_grant_id", "grant_id", "time"),
    Index("ix_records_grant_label", "grant_label", "time"),
    Index("ix_records_tool", "tool", "time"),
    Index("ix_records_outcome", "outcome", "time"),
    Index("ix_records_decision_id", "decision_id"),
)

index_positions = Table(
    "index_positions",
    metadata,
    Column("chain", String(64), primary_key=True),
    Column("segment", Integer, nullable=False),
    Column("offset", BigInteger, nullable=False),
)
