"""The control plane: people, their sessions and tokens, webhooks, OAuth connections, and counts by the hour."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

COUNTING = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables and columns. The index of the journal is made anew: it fills itself again, with the counts."""
    _idempotency()
    _tallies()
    _api_tokens()
    _members()
    _webhooks()
    _deliveries()
    _oauth_attempts()
    _oauth_clients()
    _oauth_tokens()
    _sessions()
    _sign_in_links()
    _columns()
    _records()
    op.execute("DELETE FROM index_positions")


def _idempotency() -> None:
    op.create_table(
        "idempotency",
        sa.Column("organisation_id", sa.String(length=36), nullable=False),
        sa.Column("actor", sa.String(length=320), nullable=False),
        sa.Column("key", sa.String(length=128), nullable=False),
        sa.Column("request", sa.LargeBinary(length=32), nullable=False),
        sa.Column("status", sa.Integer()),
        sa.Column("sealed", sa.LargeBinary()),
        sa.Column("created", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("organisation_id", "actor", "key", name="pk_idempotency"),
    )


def _tallies() -> None:
    op.create_table(
        "tallies",
        sa.Column("organisation_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("hour", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("allowed", sa.BigInteger(), nullable=False),
        sa.Column("denied", sa.BigInteger(), nullable=False),
        sa.Column("waited", sa.BigInteger(), nullable=False),
        sa.Column("refused", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("organisation_id", "kind", "hour", "name", name="pk_tallies"),
        sqlite_with_rowid=False,
    )


def _records() -> None:
    op.drop_table("records")
    op.create_table(
        "records",
        sa.Column("id", COUNTING, autoincrement=True, nullable=False),
        sa.Column("time", sa.Double(), nullable=False),
        sa.Column("organisation_id", sa.String(length=36), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("tool", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("server_id", sa.Text(), nullable=False),
        sa.Column("grant_id", sa.Text(), nullable=False),
        sa.Column("grant_label", sa.Text(), nullable=False),
        sa.Column("policy_id", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("decision_id", sa.String(length=64), nullable=False),
        sa.Column("chain", sa.String(length=64), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("segment", sa.Integer(), nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.Column("result", sa.String(length=16)),
        sa.Column("result_segment", sa.Integer()),
        sa.Column("result_offset", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_records"),
    )
    op.create_index("uq_records_entry", "records", ["chain", "seq"], unique=True)
    op.create_index("ix_records_time", "records", ["time"], unique=False)
    op.create_index("ix_records_decision_id", "records", ["decision_id"], unique=False)


def _api_tokens() -> None:
    op.create_table(
        "api_tokens",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("organisation_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("approver", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created", sa.Double(), nullable=False),
        sa.Column("expires", sa.Double()),
        sa.Column("revoked", sa.Double()),
        sa.Column("last_used", sa.Double()),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name="fk_api_tokens_organisation_id"),
        sa.PrimaryKeyConstraint("id", name="pk_api_tokens"),
        sa.UniqueConstraint("digest", name="uq_api_tokens_digest"),
    )


def _members() -> None:
    op.create_table(
        "members",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("organisation_id", sa.String(length=36), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("approver", sa.Text(), nullable=False),
        sa.Column("password", sa.Text()),
        sa.Column("issuer", sa.Text()),
        sa.Column("subject", sa.Text()),
        sa.Column("created", sa.Double(), nullable=False),
        sa.Column("disabled", sa.Double()),
        sa.Column("last_seen", sa.Double()),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name="fk_members_organisation_id"),
        sa.PrimaryKeyConstraint("id", name="pk_members"),
        sa.UniqueConstraint("email", name="uq_members_email"),
    )
    op.create_index("uq_members_identity", "members", ["issuer", "subject"], unique=True)


def _webhooks() -> None:
    op.create_table(
        "webhooks",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("organisation_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("format", sa.String(length=16), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("options", sa.Text(), nullable=False),
        sa.Column("created", sa.Double(), nullable=False),
        sa.Column("disabled", sa.Double()),
        sa.Column("removed", sa.Double()),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name="fk_webhooks_organisation_id"),
        sa.PrimaryKeyConstraint("id", name="pk_webhooks"),
    )
    op.create_index(
        "uq_webhooks_name",
        "webhooks",
        ["organisation_id", "name"],
        unique=True,
        sqlite_where=sa.text("removed IS NULL"),
        postgresql_where=sa.text("removed IS NULL"),
    )


def _deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("webhook_id", sa.String(length=36), nullable=False),
        sa.Column("approval_id", sa.String(length=64), nullable=False),
        sa.Column("event", sa.String(length=16), nullable=False),
        sa.Column("created", sa.Double(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_try", sa.Double()),
        sa.Column("lease_until", sa.Double()),
        sa.Column("delivered", sa.Double()),
        sa.Column("error", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["webhook_id"], ["webhooks.id"], name="fk_deliveries_webhook_id"),
        sa.PrimaryKeyConstraint("id", name="pk_deliveries"),
    )
    op.create_index("ix_deliveries_next_try", "deliveries", ["next_try"], unique=False)
    op.create_index("uq_deliveries_event", "deliveries", ["webhook_id", "approval_id", "event"], unique=True)


def _oauth_attempts() -> None:
    op.create_table(
        "oauth_attempts",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("server_id", sa.String(length=36), nullable=False),
        sa.Column("grant_id", sa.String(length=36), nullable=False),
        sa.Column("member_id", sa.String(length=36), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created", sa.Double(), nullable=False),
        sa.Column("expires", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name="fk_oauth_attempts_member_id"),
        sa.ForeignKeyConstraint(["server_id"], ["servers.id"], name="fk_oauth_attempts_server_id"),
        sa.PrimaryKeyConstraint("digest", name="pk_oauth_attempts"),
    )


def _oauth_clients() -> None:
    op.create_table(
        "oauth_clients",
        sa.Column("server_id", sa.String(length=36), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("sealed_secret", sa.LargeBinary()),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("metadata", sa.Text(), nullable=False),
        sa.Column("created", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["server_id"], ["servers.id"], name="fk_oauth_clients_server_id"),
        sa.PrimaryKeyConstraint("server_id", name="pk_oauth_clients"),
    )


def _oauth_tokens() -> None:
    op.create_table(
        "oauth_tokens",
        sa.Column("server_id", sa.String(length=36), nullable=False),
        sa.Column("grant_id", sa.String(length=36), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("wanted_scope", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("connected_by", sa.Text(), nullable=False),
        sa.Column("connected", sa.Double(), nullable=False),
        sa.Column("refreshed", sa.Double(), nullable=False),
        sa.Column("expires", sa.Double()),
        sa.Column("refresh_at", sa.Double()),
        sa.Column("lease_until", sa.Double()),
        sa.Column("lease_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["server_id"], ["servers.id"], name="fk_oauth_tokens_server_id"),
        sa.PrimaryKeyConstraint("server_id", "grant_id", name="pk_oauth_tokens"),
    )
    op.create_index("ix_oauth_tokens_refresh_at", "oauth_tokens", ["refresh_at"], unique=False)


def _sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("member_id", sa.String(length=36), nullable=False),
        sa.Column("created", sa.Double(), nullable=False),
        sa.Column("last_used", sa.Double(), nullable=False),
        sa.Column("expires", sa.Double(), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name="fk_sessions_member_id"),
        sa.PrimaryKeyConstraint("digest", name="pk_sessions"),
    )
    op.create_index("ix_sessions_member_id", "sessions", ["member_id"], unique=False)


def _sign_in_links() -> None:
    op.create_table(
        "sign_in_links",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("organisation_id", sa.String(length=36), nullable=False),
        sa.Column("purpose", sa.String(length=8), nullable=False),
        sa.Column("member_id", sa.String(length=36)),
        sa.Column("created", sa.Double(), nullable=False),
        sa.Column("expires", sa.Double(), nullable=False),
        sa.Column("used", sa.Double()),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name="fk_sign_in_links_member_id"),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name="fk_sign_in_links_organisation_id"),
        sa.PrimaryKeyConstraint("digest", name="pk_sign_in_links"),
    )


def _columns() -> None:
    op.add_column("grants", sa.Column("claims", sa.Text()))
    op.add_column("grants", sa.Column("created_by", sa.Text(), server_default="", nullable=False))
    op.add_column("servers", sa.Column("capture", sa.Integer()))
