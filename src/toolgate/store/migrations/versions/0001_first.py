"""The first schema: organisations, servers, policies, grants, changes, and the index of the journal."""

import time

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

DEFAULT_ORGANISATION = "00000000-0000-4000-8000-000000000001"
COUNTING = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make everything, and the one organisation that a single installation has."""
    _organisations()
    _servers()
    _upstream_headers()
    _definitions()
    _policies()
    _policy_revisions()
    _grants()
    _changes()
    _admin_events()
    _records()
    _index_positions()
    organisations = sa.table("organisations", sa.column("id"), sa.column("name"), sa.column("created"))
    op.execute(organisations.insert().values(id=DEFAULT_ORGANISATION, name="default", created=time.time()))


def _organisations() -> None:
    op.create_table(
        "organisations",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("created", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_organisations"),
        sa.UniqueConstraint("name", name="uq_organisations_name"),
    )


def _servers() -> None:
    op.create_table(
        "servers",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("organisation_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("allow_private", sa.Boolean(), nullable=False),
        sa.Column("pin", sa.Boolean(), nullable=False),
        sa.Column("ca_file", sa.Text()),
        sa.Column("client_certificate", sa.Text()),
        sa.Column("client_key", sa.Text()),
        sa.Column("proxy", sa.Text()),
        sa.Column("protocol_revision", sa.String(length=32)),
        sa.Column("created", sa.Double(), nullable=False),
        sa.Column("removed", sa.Double()),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name="fk_servers_organisation_id"),
        sa.PrimaryKeyConstraint("id", name="pk_servers"),
    )
    op.create_index(
        "uq_servers_name",
        "servers",
        ["organisation_id", "name"],
        unique=True,
        sqlite_where=sa.text("removed IS NULL"),
        postgresql_where=sa.text("removed IS NULL"),
    )


def _upstream_headers() -> None:
    op.create_table(
        "upstream_headers",
        sa.Column("server_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("sealed", sa.LargeBinary()),
        sa.Column("variable", sa.String(length=256)),
        sa.ForeignKeyConstraint(["server_id"], ["servers.id"], name="fk_upstream_headers_server_id"),
        sa.PrimaryKeyConstraint("server_id", "name", name="pk_upstream_headers"),
    )


def _definitions() -> None:
    op.create_table(
        "definitions",
        sa.Column("id", COUNTING, autoincrement=True, nullable=False),
        sa.Column("server_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("definition", sa.Text(), nullable=False),
        sa.Column("first_seen", sa.Double(), nullable=False),
        sa.Column("last_seen", sa.Double(), nullable=False),
        sa.Column("accepted", sa.Double()),
        sa.Column("status", sa.String(length=8), nullable=False),
        sa.ForeignKeyConstraint(["server_id"], ["servers.id"], name="fk_definitions_server_id"),
        sa.PrimaryKeyConstraint("id", name="pk_definitions"),
        sqlite_autoincrement=True,
    )
    op.create_index("uq_definitions_version", "definitions", ["server_id", "name", "fingerprint"], unique=True)


def _policies() -> None:
    op.create_table(
        "policies",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("organisation_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created", sa.Double(), nullable=False),
        sa.Column("removed", sa.Double()),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name="fk_policies_organisation_id"),
        sa.PrimaryKeyConstraint("id", name="pk_policies"),
    )
    op.create_index(
        "uq_policies_name",
        "policies",
        ["organisation_id", "name"],
        unique=True,
        sqlite_where=sa.text("removed IS NULL"),
        postgresql_where=sa.text("removed IS NULL"),
    )


def _policy_revisions() -> None:
    op.create_table(
        "policy_revisions",
        sa.Column("policy_id", sa.String(length=36), nullable=False),
        sa.Column("revision", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("created", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["policy_id"], ["policies.id"], name="fk_policy_revisions_policy_id"),
        sa.PrimaryKeyConstraint("policy_id", "revision", name="pk_policy_revisions"),
    )


def _grants() -> None:
    op.create_table(
        "grants",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("organisation_id", sa.String(length=36), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("principal", sa.Text(), nullable=False),
        sa.Column("labels", sa.Text(), nullable=False),
        sa.Column("server_id", sa.String(length=36), nullable=False),
        sa.Column("policy_id", sa.String(length=36)),
        sa.Column("created", sa.Double(), nullable=False),
        sa.Column("expires", sa.Double()),
        sa.Column("revoked", sa.Double()),
        sa.Column("rotated", sa.Double()),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name="fk_grants_organisation_id"),
        sa.ForeignKeyConstraint(["policy_id"], ["policies.id"], name="fk_grants_policy_id"),
        sa.ForeignKeyConstraint(["server_id"], ["servers.id"], name="fk_grants_server_id"),
        sa.PrimaryKeyConstraint("id", name="pk_grants"),
        sa.UniqueConstraint("digest", name="uq_grants_digest"),
    )
    op.create_index("ix_grants_label", "grants", ["label"], unique=False)
    op.create_index("ix_grants_server_id", "grants", ["server_id"], unique=False)


def _changes() -> None:
    op.create_table(
        "changes",
        sa.Column("seq", COUNTING, autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_changes"),
        sqlite_autoincrement=True,
    )


def _admin_events() -> None:
    op.create_table(
        "admin_events",
        sa.Column("id", COUNTING, autoincrement=True, nullable=False),
        sa.Column("time", sa.Double(), nullable=False),
        sa.Column("organisation_id", sa.String(length=36), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("target", sa.String(length=36), nullable=False),
        sa.Column("before", sa.Text()),
        sa.Column("after", sa.Text()),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name="fk_admin_events_organisation_id"),
        sa.PrimaryKeyConstraint("id", name="pk_admin_events"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_admin_events_time", "admin_events", ["time"], unique=False)


def _records() -> None:
    op.create_table(
        "records",
        sa.Column("chain", sa.String(length=64), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("time", sa.Double(), nullable=False),
        sa.Column("decision_id", sa.String(length=64), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("grant_id", sa.Text()),
        sa.Column("grant_label", sa.Text()),
        sa.Column("server_id", sa.Text()),
        sa.Column("method", sa.Text()),
        sa.Column("tool", sa.Text()),
        sa.Column("rule", sa.Text()),
        sa.Column("policy_id", sa.Text()),
        sa.Column("revision", sa.Integer()),
        sa.Column("message", sa.Text()),
        sa.Column("entry", sa.Text(), nullable=False),
        sa.Column("result", sa.Text()),
        sa.PrimaryKeyConstraint("chain", "seq", name="pk_records"),
    )
    op.create_index("ix_records_decision_id", "records", ["decision_id"], unique=False)
    op.create_index("ix_records_grant_id", "records", ["grant_id", "time"], unique=False)
    op.create_index("ix_records_grant_label", "records", ["grant_label", "time"], unique=False)
    op.create_index("ix_records_outcome", "records", ["outcome", "time"], unique=False)
    op.create_index("ix_records_time", "records", ["time"], unique=False)
    op.create_index("ix_records_tool", "records", ["tool", "time"], unique=False)


def _index_positions() -> None:
    op.create_table(
        "index_positions",
        sa.Column("chain", sa.String(length=64), nullable=False),
        sa.Column("segment", sa.Integer(), nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("chain", name="pk_index_positions"),
    )
