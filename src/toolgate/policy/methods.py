"""Which methods pass under `default: deny` without an entry of `methods`.

Names are those of the revisions 2025-03-26 to 2026-07-28; a method that no revision defines needs an entry.
"""

from __future__ import annotations

from toolgate.protocol.revisions import PASS_UNDER_DENY

_FILTERS = frozenset({"toolsListChanged", "promptsListChanged", "resourcesListChanged"})


def passes_by_default(method: str, params: dict[str, object]) -> bool:
    """Whether `default: deny` lets the method through; answers to requests of the server, which have none, pass.

    That a task is the grant's own is checked by the gateway.
    """
    if method == "subscriptions/listen":
        return _listens_without_resources(params)
    return not method or method in PASS_UNDER_DENY


def _listens_without_resources(params: dict[str, object]) -> bool:
    """Closed over the known filters: one that a later revision adds needs an entry of `methods`."""
    wanted = params.get("notifications", {})
    if type(wanted) is not dict or not params.keys() <= {"notifications", "_meta"}:
        return False
    return wanted.keys() <= _FILTERS or (
        wanted.keys() <= _FILTERS | {"resourceSubscriptions"} and wanted["resourceSubscriptions"] == []
    )
