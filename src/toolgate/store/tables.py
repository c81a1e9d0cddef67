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


def _switch() -> tuple[Column[Any], ...]:
    """When somebody stopped it, who and why; `stopped` is null while it runs."""
    said = (Column(name, Text, nullable=False, server_default="") for name in ("stopped_by", "stop_reason"))
    return (Column("stopped", Double), *said)


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
# configuration that made the row; null for what a person made, which no configuration removes. `capture`: for how many
# days the arguments of its calls are kept, sealed; null for not at all.
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
    Column("capture", Integer),
    *_switch(),
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

# `accepted` is when somebody, or the absence of pinning, let this version in; null while it is withheld. `category` is
# what it was judged to be, null for not yet; `judged_by` is who said so: a version of the classifier, or a person.
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
    Column("category", String(16)),
    Column("judged_by", Text, nullable=False, server_default=""),
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

# `claims`: a JSON object that an access token of an authorization server must carry to be this grant. `created_by`: who
# has seen its token, as administrators' events call them.
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
    Column("claims", Text),
    Column("created_by", Text, nullable=False, server_default=""),
    *_switch(),
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

# The index of the journal: filled from it, and rebuilt from it when lost. The entry itself stays in the journal,
# where `segment` and `offset` point at its line; the `result` ones at the line of its outcome. `organisation_id` is
# "" for what belongs to none: requests without a grant, gaps. `words` is all that a search looks at
# (audit/filters.py); what filters ask for comes first, because a row is read up to there. Few indexes on purpose:
# each costs more than a row.
records = Table(
    "records",
    metadata,
    Column("id", Counting, primary_key=True, autoincrement=True),
    Column("time", Double, nullable=False),
    Column("organisation_id", Identifier, nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("tool", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("server_id", Text, nullable=False),
    Column("grant_id", Text, nullable=False),
    Column("grant_label", Text, nullable=False),
    Column("policy_id", Text, nullable=False),
    Column("words", Text, nullable=False),
    Column("decision_id", String(64), nullable=False),
    Column("chain", String(64), nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("segment", Integer, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("result", String(16)),
    Column("result_segment", Integer),
    Column("result_offset", BigInteger),
    Index("uq_records_entry", "chain", "seq", unique=True),
    Index("ix_records_time", "time"),
    Index("ix_records_decision_id", "decision_id"),
)

index_positions = Table(
    "index_positions",
    metadata,
    Column("chain", String(64), primary_key=True),
    Column("segment", Integer, nullable=False),
    Column("offset", BigInteger, nullable=False),
)

# How many decisions there were in each hour, filled with the index: what overviews count without reading records.
# `hour` is in hours since 1970. `kind` says what `name` is: "server" or "grant" (ids), "rule", "reason" (why requests
# without a grant were refused), or "" for the sum of the hour; "server day" and the like count the whole day that
# begins at `hour`. One row for all outcomes of a name: half as many rows to add up.
tallies = Table(
    "tallies",
    metadata,
    Column("organisation_id", Identifier, primary_key=True),
    Column("kind", String(16), primary_key=True),
    Column("hour", Integer, primary_key=True, autoincrement=False),
    Column("name", Text, primary_key=True),
    Column("allowed", BigInteger, nullable=False),
    Column("denied", BigInteger, nullable=False),
    Column("waited", BigInteger, nullable=False),
    Column("refused", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# People. `approver` is "" (no), "*" (calls of every server) or a JSON list of server ids. `password` is an argon2id
# string, null for those who come from an identity provider: then `issuer` and `subject` say who they are there.
members = Table(
    "members",
    metadata,
    Column("id", Identifier, primary_key=True),
    _organisation(),
    Column("email", String(254), nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("role", String(16), nullable=False),
    Column("approver", Text, nullable=False),
    Column("password", Text),
    Column("issuer", Text),
    Column("subject", Text),
    Column("created", Double, nullable=False),
    Column("disabled", Double),
    Column("last_seen", Double),
    Index("uq_members_identity", "issuer", "subject", unique=True),
)

# Secrets here and below are stored as SHA-256 digests: who reads the database cannot use them.
sessions = Table(
    "sessions",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("member_id", Identifier, ForeignKey("members.id"), nullable=False),
    Column("created", Double, nullable=False),
    Column("last_used", Double, nullable=False),
    Column("expires", Double, nullable=False),
    Column("address", String(64), nullable=False),
    Column("agent", Text, nullable=False),
    Index("ix_sessions_member_id", "member_id"),
)

# `purpose` is `first` (makes the first administrator), `invite` or `reset`.
sign_in_links = Table(
    "sign_in_links",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    _organisation(),
    Column("purpose", String(8), nullable=False),
    Column("member_id", Identifier, ForeignKey("members.id")),
    Column("created", Double, nullable=False),
    Column("expires", Double, nullable=False),
    Column("used", Double),
)

api_tokens = Table(
    "api_tokens",
    metadata,
    Column("id", Identifier, primary_key=True),
    _organisation(),
    Column("name", String(64), nullable=False),
    Column("digest", LargeBinary(32), nullable=False, unique=True),
    Column("role", String(16), nullable=False),
    Column("approver", Text, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("created", Double, nullable=False),
    Column("expires", Double),
    Column("revoked", Double),
    Column("last_used", Double),
)

# Answers of requests that may be repeated: `request` is the digest of what was asked; the answer is sealed, for it may
# hold a token.
idempotency = Table(
    "idempotency",
    metadata,
    Column("organisation_id", Identifier, primary_key=True),
    Column("actor", String(320), primary_key=True),
    Column("key", String(128), primary_key=True),
    Column("request", LargeBinary(32), nullable=False),
    Column("status", Integer),
    Column("sealed", LargeBinary),
    Column("created", Double, nullable=False),
)

# Where approvals are announced. `options` is a JSON object: what it is told and what its links allow.
webhooks = Table(
    "webhooks",
    metadata,
    Column("id", Identifier, primary_key=True),
    _organisation(),
    Column("name", String(64), nullable=False),
    Column("url", Text, nullable=False),
    Column("format", String(16), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("options", Text, nullable=False),
    Column("created", Double, nullable=False),
    Column("disabled", Double),
    Column("removed", Double),
)
_name_index(webhooks)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Identifier, primary_key=True),
    Column("webhook_id", Identifier, ForeignKey("webhooks.id"), nullable=False),
    Column("approval_id", String(64), nullable=False),
    Column("event", String(16), nullable=False),
    Column("created", Double, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_try", Double),
    Column("lease_until", Double),
    Column("delivered", Double),
    Column("error", Text, nullable=False),
    Index("uq_deliveries_event", "webhook_id", "approval_id", "event", unique=True),
    Index("ix_deliveries_next_try", "next_try"),
)

# This installation as a client of a server's authorization server. `metadata` is what that says of itself (JSON).
oauth_clients = Table(
    "oauth_clients",
    metadata,
    Column("server_id", Identifier, ForeignKey("servers.id"), primary_key=True),
    Column("issuer", Text, nullable=False),
    Column("resource", Text, nullable=False),
    Column("client_id", Text, nullable=False),
    Column("sealed_secret", LargeBinary),
    Column("kind", String(16), nullable=False),
    Column("scopes", Text, nullable=False),
    Column("metadata", Text, nullable=False),
    Column("created", Double, nullable=False),
)

# A connection: of a server (`grant_id` is "") or of one of its grants. `sealed` holds both tokens; `status` is
# `connected` or `expired`; `wanted_scope` is what the server asked for beyond `scope`. One refresher at a time has the
# lease.
oauth_tokens = Table(
    "oauth_tokens",
    metadata,
    Column("server_id", Identifier, ForeignKey("servers.id"), primary_key=True),
    Column("grant_id", String(36), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("scope", Text, nullable=False),
    Column("wanted_scope", Text, nullable=False),
    Column("status", String(16), nullable=False),
    Column("error", Text, nullable=False),
    Column("connected_by", Text, nullable=False),
    Column("connected", Double, nullable=False),
    Column("refreshed", Double, nullable=False),
    Column("expires", Double),
    Column("refresh_at", Double),
    Column("lease_until", Double),
    Column("lease_by", Text, nullable=False),
    Index("ix_oauth_tokens_refresh_at", "refresh_at"),
)

# A code flow under way: `sealed` holds the verifier and what the answer must agree with.
oauth_attempts = Table(
    "oauth_attempts",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("server_id", Identifier, ForeignKey("servers.id"), nullable=False),
    Column("grant_id", String(36), nullable=False),
    Column("member_id", Identifier, ForeignKey("members.id"), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("created", Double, nullable=False),
    Column("expires", Double, nullable=False),
)

# What visitors of the catalogue wrote. `about` is the page they came from; `answered` is when an admin marked it done.
contact_messages = Table(
    "contact_messages",
    metadata,
    Column("id", Counting, primary_key=True, autoincrement=True),
    Column("time", Double, nullable=False),
    Column("name", Text, nullable=False),
    Column("email", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("about", Text, nullable=False),
    Column("address", String(64), nullable=False),
    Column("answered", Double),
    Index("ix_contact_messages_time", "time"),
    sqlite_autoincrement=True,
)
