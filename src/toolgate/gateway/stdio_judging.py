"""What the tools of the one server of `toolgate run` are taken for, where its policy asks that."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from toolgate.background import complain
from toolgate.gateway.access import Access
from toolgate.store.judged_tools import JudgedTools, Told

_UNKNOWN: Final = "what tools are could not be judged or stored, so rules over categories deny"


class Judging:
    """Of one access. A policy that asks nothing of the kind costs nothing: no lexicon is loaded, no file opened."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stored: JudgedTools | None = None
        self._failed = False

    def learn(self, access: Access, listed: list[tuple[str, bytes]]) -> None:
        """Take note of a list of tools, or of a part of it."""
        access.tools.learn(listed)
        self.look(access)

    def look(self, access: Access) -> None:
        """Judge what nobody has judged yet; also called when another policy is in force. Else it stays undefined."""
        if access.policy is None or not access.policy.reads_categories:
            return
        tools = access.tools.told()
        if all((known := access.tools.get(name)) is not None and known.category for name in tools):
            return
        told = {name: Told(fingerprint, text) for name, (fingerprint, text) in tools.items()}
        try:
            self._stored = self._stored or JudgedTools(self._path)
            taken = self._stored.take(access.server_id, access.server.row.name, told)
        except Exception as error:  # noqa: BLE001 - a full disk, or definitions that no lexicon can read: undefined
            self._say(str(error) or type(error).__name__)
            return
        self._failed = False
        for name, category in taken.items():
            access.tools.take_for(name, category)

    def close(self) -> None:
        """Close the file."""
        if self._stored is not None:
            self._stored.close()

    def _say(self, cause: str) -> None:
        """Once, until it works again."""
        if not self._failed:
            complain(f"{_UNKNOWN}: {cause}")
        self._failed = True
