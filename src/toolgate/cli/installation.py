"""The installation that a command works on: a data directory, its database, and the gateways that run on it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import typer
from sqlalchemy.engine import Engine

from toolgate.cli import exits, printing
from toolgate.cli.options import data_directory
from toolgate.store.changes import announce
from toolgate.store.database import latest_change, open_database
from toolgate.store.gateway_file import gateway_url


@dataclass(slots=True, frozen=True)
class Installation:
    """An open data directory. The gateway may run on it or not."""

    data: Path
    engine: Engine

    @classmethod
    def at(cls, option: str | None) -> Installation:
        """The one that `--data` names, made and migrated where needed. Raises StoreError."""
        data = data_directory(option)
        return cls(data, open_database(data))

    def confirm(self, wait: float) -> None:
        """Wait until every gateway of this machine acts on what was written; else warn and leave with 3."""
        confirmed = announce(self.data, latest_change(self.engine), max(0.0, min(wait, 3600.0)))
        if confirmed.complete:
            return
        processes = ", ".join(str(process) for process in confirmed.silent)
        cause = f"the change is stored, but the gateway process {processes} did not confirm it within {wait:g} s"
        printing.warn("gateway", cause, "it denies every call after 60 s without the database; restart it if it hangs")
        raise typer.Exit(exits.UNREACHED)

    def proxy_url(self, server_id: str) -> str:
        """Where an agent connects for this server."""
        return f"{gateway_url(self.data)}/mcp/{server_id}/"
