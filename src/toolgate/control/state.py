"""What every handler of the control plane works on; made once in a process."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy.engine import Engine

from toolgate.audit.search import Records
from toolgate.catalogue.shared import SharedCatalogue
from toolgate.control.attempts import Attempts
from toolgate.keys import MasterKey
from toolgate.settings import ControlSettings
from toolgate.store.changes import Confirmed, announce
from toolgate.store.database import latest_change
from toolgate.store.directory import database_file
from toolgate.store.gateway_file import gateway_url

CONFIRMED_WITHIN = 2.0
"""Seconds that a page waits for the gateways after a change."""


@dataclass(slots=True, frozen=True)
class State:
    """An open installation. Engine and records may be used from every thread."""

    data: Path
    engine: Engine
    master: MasterKey
    settings: ControlSettings
    box: bytes | None = None
    """What the catalogue begins with; None for what the release ships."""
    records: Records = field(init=False)
    """The index of the journal, for reading."""
    attempts: Attempts = field(default_factory=Attempts)
    catalogue: SharedCatalogue = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "records", Records(database_file(self.data), self.data / "journal"))
        object.__setattr__(self, "catalogue", SharedCatalogue(self.data, self.box))

    def changed(self, wait: float = CONFIRMED_WITHIN) -> Confirmed:
        """Tell every gateway of this machine of what was written; on return they act on it, or it says who does not."""
        return announce(self.data, latest_change(self.engine), wait)

    def proxy_url(self, server_id: str) -> str:
        """Where an agent connects for this server."""
        return f"{gateway_url(self.data)}/mcp/{server_id}/"

    @property
    def url(self) -> str:
        """Where people reach the control plane, without a final slash."""
        return self.settings.url
