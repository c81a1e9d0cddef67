"""Servers that are started as a command, and which configuration made a row."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add columns that every row of before leaves empty: reached by URL, made by hand."""
    op.add_column("servers", sa.Column("command", sa.Text()))
    for table in ("servers", "policies", "grants"):
        op.add_column(table, sa.Column("origin", sa.Text()))
