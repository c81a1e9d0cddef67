"""Runs the migrations of `store/migrations` on an open connection, inside its transaction."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy.engine import Connection

SCRIPTS = Path(__file__).parent / "migrations"


class UnknownRevision(Exception):
    """The database is at a revision that these scripts do not know."""


def configuration(connection: Connection | None = None) -> Config:
    """What alembic has to know; no ini file anywhere."""
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def head() -> str:
    """The newest revision of the scripts."""
    return ScriptDirectory.from_config(configuration()).get_current_head() or ""


def upgrade(connection: Connection) -> None:
    """Bring the database to the newest revision, or leave it as it was. Raises UnknownRevision."""
    try:
        command.upgrade(configuration(connection), "head")
    except CommandError as error:
        raise UnknownRevision(str(error)) from error
