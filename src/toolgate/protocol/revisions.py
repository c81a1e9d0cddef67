"""What differs between the revisions of the Model Context Protocol, as data.

Sources: the schemas and transport chapters of the revisions themselves; the tasks extension (experimental in
2025-11-25, an extension in 2026-07-28) is included.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

VERSION_KEY: Final = "io.modelcontextprotocol/protocolVersion"
CLIENT_INFO_KEY: Final = "io.modelcontextprotocol/clientInfo"
CLIENT_CAPABILITIES_KEY: Final = "io.modelcontextprotocol/clientCapabilities"
SUBSCRIPTION_KEY: Final = "io.modelcontextprotocol/subscriptionId"
LOG_LEVEL_KEY: Final = "io.modelcontextprotocol/logLevel"


@dataclass(slots=True, frozen=True)
class Revision:
    """One revision. In the stateless era each request says its revision in `_meta` and there are no sessions."""

    name: str
    stateless: bool = False
    http: bool = True
    """Whether it has the one HTTP endpoint (streamable HTTP)."""
    version_header: bool = True
    """Whether requests after the handshake carry MCP-Protocol-Version."""

    @property
    def sessions(self) -> bool:
        """Whether there are `Mcp-Session-Id`, the GET stream with `Last-Event-ID`, and DELETE."""
        return self.http and not self.stateless

    @property
    def verbs(self) -> tuple[str, ...]:
        """The HTTP methods of the endpoint."""
        return ("POST", "GET", "DELETE") if self.sessions else ("POST",)

    @property
    def routing_headers(self) -> bool:
        """Whether Mcp-Method, Mcp-Name and Mcp-Param-* repeat the body."""
        return self.stateless

    @property
    def result_type(self) -> bool:
        """Whether results say `resultType`, and lists `ttlMs` and `cacheScope`."""
        return self.stateless


REVISIONS: Final = {
    revision.name: revision
    for revision in (
        Revision("2024-11-05", http=False, version_header=False),
        Revision("2025-03-26", version_header=False),
        Revision("2025-06-18"),
        Revision("2025-11-25"),
        Revision("2026-07-28", stateless=True),
    )
}
HANDSHAKE: Final = tuple(name for name, revision in REVISIONS.items() if not revision.stateless)
STATELESS: Final = tuple(name for name, revision in REVISIONS.items() if revision.stateless)
OVER_HTTP: Final = tuple(name for name, revision in REVISIONS.items() if revision.http)

_OLDEST, _ELICITING, _TASKS, _NEWEST = "2024-11-05", "2025-06-18", "2025-11-25", "2026-07-28"


def _since(first: str, last: str = _NEWEST) -> frozenset[str]:
    return frozenset(name for name in REVISIONS if first <= name <= last)


_ALL = _since(_OLDEST)
_HANDSHAKE = _since(_OLDEST, _TASKS)

CLIENT_REQUESTS: Final = {
    "initialize": _HANDSHAKE,
    "server/discover": _since(_NEWEST),
    "ping": _HANDSHAKE,
    "logging/setLevel": _HANDSHAKE,
    "tools/list": _ALL,
    "tools/call": _ALL,
    "prompts/list": _ALL,
    "prompts/get": _ALL,
    "resources/list": _ALL,
    "resources/templates/list": _ALL,
    "resources/read": _ALL,
    "resources/subscribe": _HANDSHAKE,
    "resources/unsubscribe": _HANDSHAKE,
    "completion/complete": _ALL,
    "subscriptions/listen": _since(_NEWEST),
    "tasks/get": _since(_TASKS),
    "tasks/cancel": _since(_TASKS),
    "tasks/result": _since(_TASKS, _TASKS),
    "tasks/list": _since(_TASKS, _TASKS),
    "tasks/update": _since(_NEWEST),
}
"""Method -> the revisions in which a client may ask it."""

CLIENT_NOTIFICATIONS: Final = {
    "notifications/initialized": _HANDSHAKE,
    "notifications/cancelled": _ALL,
    "notifications/progress": _HANDSHAKE,
    "notifications/roots/list_changed": _HANDSHAKE,
    "notifications/tasks/status": _since(_TASKS, _TASKS),
}

SERVER_REQUESTS: Final = {
    "ping": _HANDSHAKE,
    "roots/list": _HANDSHAKE,
    "sampling/createMessage": _HANDSHAKE,
    "elicitation/create": _since(_ELICITING, _TASKS),
    "tasks/get": _since(_TASKS, _TASKS),
    "tasks/result": _since(_TASKS, _TASKS),
    "tasks/list": _since(_TASKS, _TASKS),
    "tasks/cancel": _since(_TASKS, _TASKS),
}

SERVER_NOTIFICATIONS: Final = {
    "notifications/cancelled": _ALL,
    "notifications/progress": _ALL,
    "notifications/message": _ALL,
    "notifications/prompts/list_changed": _ALL,
    "notifications/resources/list_changed": _ALL,
    "notifications/resources/updated": _ALL,
    "notifications/tools/list_changed": _ALL,
    "notifications/elicitation/complete": _since(_TASKS, _TASKS),
    "notifications/subscriptions/acknowledged": _since(_NEWEST),
    "notifications/tasks": _since(_NEWEST),
    "notifications/tasks/status": _since(_TASKS, _TASKS),
}

PASS_UNDER_DENY: Final = frozenset(
    {
        "initialize",
        "server/discover",
        "ping",
        "logging/setLevel",
        "tools/list",
        "subscriptions/listen",
        *(method for method in CLIENT_REQUESTS if method.startswith("tasks/")),
        *CLIENT_NOTIFICATIONS,
        *SERVER_NOTIFICATIONS,
    }
)
"""What passes under `default: deny` without an entry of `methods` (policy.md, section 1).

On conditions that a name cannot show: `subscriptions/listen` without resource subscriptions, `tasks/*` of the grant's
own tasks; answers to requests of the server pass too and have no method.
"""

_RETRY = ("inputResponses", "requestState")
PARAMS: Final = {
    "initialize": ("protocolVersion", "capabilities", "clientInfo"),
    "server/discover": (),
    "ping": (),
    "logging/setLevel": ("level",),
    "tools/list": ("cursor",),
    "tools/call": ("name", "arguments", "task", *_RETRY),
    "prompts/list": ("cursor",),
    "prompts/get": ("name", "arguments", *_RETRY),
    "resources/list": ("cursor",),
    "resources/templates/list": ("cursor",),
    "resources/read": ("uri", *_RETRY),
    "resources/subscribe": ("uri",),
    "resources/unsubscribe": ("uri",),
    "completion/complete": ("ref", "argument", "context"),
    "subscriptions/listen": ("notifications",),
    "tasks/get": ("taskId",),
    "tasks/cancel": ("taskId",),
    "tasks/result": ("taskId",),
    "tasks/list": ("cursor",),
    "tasks/update": ("taskId", "inputResponses"),
    "roots/list": (),
    "sampling/createMessage": (
        *("messages", "modelPreferences", "systemPrompt", "includeContext", "temperature", "maxTokens"),
        *("stopSequences", "metadata", "tools", "toolChoice", "task"),
    ),
    "elicitation/create": ("message", "requestedSchema", "mode", "elicitationId", "url", "task"),
    "notifications/initialized": (),
    "notifications/cancelled": ("requestId", "reason"),
    "notifications/progress": ("progressToken", "progress", "total", "message"),
    "notifications/message": ("level", "logger", "data"),
    "notifications/resources/updated": ("uri",),
    "notifications/elicitation/complete": ("elicitationId",),
    "notifications/subscriptions/acknowledged": ("notifications",),
}
"""Method -> the keys of its `params` in any revision; `_meta` belongs to all."""
