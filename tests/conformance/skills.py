"""Skills of the reference server: the extension `io.modelcontextprotocol/skills` with one skill of two files."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, Final

from mcp.server.context import HandlerResult, ServerRequestContext
from mcp.server.extension import Extension, MethodBinding, ResourceBinding
from mcp.server.mcpserver.resources import TextResource
from mcp.shared.exceptions import MCPError
from mcp_types import PaginatedRequestParams, RequestParams
from mcp_types.jsonrpc import INVALID_PARAMS

_ROOT: Final = "skill://gate-keeping"
_ABOUT: Final = {"name": "gate-keeping", "description": "How to keep a gate"}
_LOCKS: Final = ("locks.md", "All about locks")
_FILES: Final = {
    f"{_ROOT}/SKILL.md": f"---\nname: {_ABOUT['name']}\ndescription: {_ABOUT['description']}\n---\n# Keeping a gate\n",
    f"{_ROOT}/references/locks.md": "# Locks\n",
}
_DIRECTORIES: Final = {
    _ROOT: [
        {"uri": f"{_ROOT}/SKILL.md", "name": "SKILL.md", "mimeType": "text/markdown"},
        {"uri": f"{_ROOT}/references", "name": "references", "mimeType": "inode/directory"},
    ],
    f"{_ROOT}/references": [
        {"uri": f"{_ROOT}/references/locks.md", "name": "locks.md", "mimeType": "text/markdown"},
    ],
}
_FRESHNESS: Final = {"ttlMs": 1000, "cacheScope": "public"}


class NamedParams(RequestParams):
    uri: str


def _file(uri: str, text: str) -> dict[str, Any]:
    raw = text.encode()
    return {"uri": uri, "digest": f"sha256:{hashlib.sha256(raw).hexdigest()}", "size": len(raw)}


def _skill() -> dict[str, Any]:
    files = [_file(uri, text) for uri, text in _FILES.items()]
    return {"uri": f"{_ROOT}/SKILL.md", "frontmatter": _ABOUT, "resources": files}


def _unknown(uri: str) -> MCPError:
    return MCPError(INVALID_PARAMS, f"`{uri}` is not served here", {"uri": uri})


class Skills(Extension):
    """Lists the skill, and the folders it lies in."""

    identifier = "io.modelcontextprotocol/skills"

    def settings(self) -> dict[str, Any]:
        return {"directoryRead": True}

    def resources(self) -> Sequence[ResourceBinding]:
        return [
            ResourceBinding(
                TextResource(uri=uri, text=text, mime_type="text/markdown", name=name, description=description)
            )
            for (uri, text), (name, description) in zip(_FILES.items(), (_ABOUT.values(), _LOCKS), strict=True)
        ]

    def methods(self) -> Sequence[MethodBinding]:
        return [
            MethodBinding("skills/list", PaginatedRequestParams, self._list),
            MethodBinding("skills/get", NamedParams, self._get),
            MethodBinding("resources/directory/read", NamedParams, self._read_directory),
        ]

    async def _list(self, ctx: ServerRequestContext[Any, Any], params: PaginatedRequestParams) -> HandlerResult:
        return {"skills": [_skill()], **_FRESHNESS}

    async def _get(self, ctx: ServerRequestContext[Any, Any], params: NamedParams) -> HandlerResult:
        if params.uri != f"{_ROOT}/SKILL.md":
            raise _unknown(params.uri)
        return {"skill": _skill(), **_FRESHNESS}

    async def _read_directory(self, ctx: ServerRequestContext[Any, Any], params: NamedParams) -> HandlerResult:
        if params.uri not in _DIRECTORIES:
            raise _unknown(params.uri)
        return {"resources": _DIRECTORIES[params.uri]}
