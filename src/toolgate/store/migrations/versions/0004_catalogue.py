"""What each tool was judged to be, and messages that visitors of the catalogue leave."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

COUNTING = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the columns, empty: tools that are known already are judged when they are next seen."""
    with op.batch_alter_table("definitions") as definitions:
        definitions.add_column(sa.Column("category", sa.String(length=16)))
        definitions.add_column(sa.Column("judged_by", sa.Text(), nullable=False, server_default=""))
    op.create_table(
        "contact_messages",
        sa.Column("id", COUNTING, autoincrement=True, nullable=False),
        sa.Column("time", sa.Double(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("answered", sa.Double()),
        sa.PrimaryKeyConstraint("id", name="pk_contact_messages"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_contact_messages_time", "contact_messages", ["time"])
