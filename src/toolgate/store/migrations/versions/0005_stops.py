"""The switch that stops a grant or a server: when, by whom and why."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the columns, empty: whatever is there runs on."""
    for table in ("servers", "grants"):
        op.add_column(table, sa.Column("stopped", sa.Double()))
        op.add_column(table, sa.Column("stopped_by", sa.Text(), nullable=False, server_default=""))
        op.add_column(table, sa.Column("stop_reason", sa.Text(), nullable=False, server_default=""))
