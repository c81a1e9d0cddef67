"""The tools of a registered server, one version of each."""

from __future__ import annotations

from toolgate.cli.administration import Described
from toolgate.cli.chosen import administration
from toolgate.store.errors import NotStored
from toolgate.store.names import shown


def registered_tools(server: str, data: str | None) -> list[Described]:
    """Its tools as they are in force; one that is withheld on a pinned server only where there is no other.

    Raises NotStored where there is no such server.
    """
    versions = sorted(administration(data).tools(server), key=lambda version: str(version["status"]), reverse=True)
    return list({version["name"]: version for version in versions if version["status"] != "gone"}.values())


def told_tools(server: str, data: str | None) -> list[Described]:
    """The same. Raises NotStored also where the server has told none yet."""
    found = registered_tools(server, data)
    if not found:
        mend = f"`toolgate server tools {server} --refresh` asks it again"
        raise NotStored(shown(server), "the server has told no tools yet", mend)
    return found
