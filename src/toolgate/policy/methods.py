"""Which methods pass under `default: deny` without an entry of `methods`.

Names are those of the revisions 2025-03-26 to 2026-07-28; a method that no revision defines needs an entry.
"""

from __future__ import annotations

_PASSING = frozenset(
    {
        "initialize",
        "server/discover",
        "ping",
        "logging/setLevel",
        "tools/list",
        "tasks/get",
        "tasks/result",
        "tasks/list",
        "tasks/update",
        "tasks/cancel",
        "notifications/initialized",
        "notifications/cancelled",
        "notifications/progress",
        "notifications/message",
        "notifications/elicitation/complete",
        "notifications/prompts/list_changed",
        "notifications/resources/list_changed",
        "notifications/resources/updated",
        "notifications/roots/list_changed",
        "notifications/subscriptions/acknowledged",
        "notifications/tasks",
        "notifications/tasks/status",
        "notifications/tools/list_changed",
    }
)
_FILTERS = frozenset({"toolsListChanged", "promptsListChanged", "resourcesListChanged"})


def passes_by_default(method: str, params: dict[str, object]) -> bool:
    """Whether `default: deny` lets the method through. That a task is the grant's own is checked by the gateway."""
    if method == "subscriptions/listen":
        return _listens_without_resources(params)
    return method in _PASSING


def _listens_without_resources(params: dict[str, object]) -> bool:
    """Closed over the known filters: one that a later revision adds needs an entry of `methods`."""
    wanted = params.get("notifications", {})
    if type(wanted) is not dict or not params.keys() <= {"notifications", "_meta"}:
        return False
    return wanted.keys() <= _FILTERS or (
        wanted.keys() <= _FILTERS | {"resourceSubscriptions"} and wanted["resourceSubscriptions"] == []
    )
