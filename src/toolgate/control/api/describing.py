"""The OpenAPI document: what FastAPI knows of the operations, with what they all have in common."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from toolgate.control.api.problems import MEDIA_TYPE

_VERSION: Final = "1"
_ABOUT: Final = """Everything that can be done with Toolgate beside its gateway.

Send an API token as `Authorization: Bearer tgt_...`; pages use the session cookie and, for whatever changes something,
the header `X-CSRF-Token`. Every refusal is a problem (RFC 9457). Bodies are JSON without unknown fields. `x-role` names
the role that an operation needs: `viewer`, `policy_manager`, `admin`, each with all of the one before."""
_SCHEMES: Final = {
    "token": {"type": "http", "scheme": "bearer", "description": "An API token: `tgt_...`."},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "toolgate_session",
        "description": "A signed-in browser; with https the name begins with `__Host-`.",
    },
}
_PROBLEM: Final = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
_NOT_OURS: Final = ("HTTPValidationError", "ValidationError")


def describe(routes: Sequence[APIRoute], prefix: str) -> dict[str, Any]:
    """The document of these operations, which stand behind `prefix`."""
    made = get_openapi(
        title="Toolgate",
        version=_VERSION,
        openapi_version="3.1.0",
        description=_ABOUT,
        routes=routes,
        servers=[{"url": prefix}],
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
    )
    made["components"]["securitySchemes"] = _SCHEMES
    for name in _NOT_OURS:
        made["components"]["schemas"].pop(name, None)
    made["security"] = [{name: []} for name in _SCHEMES]
    for operation in _operations(made):
        for status in ("4XX", "5XX"):
            operation["responses"][status]["content"] = _PROBLEM
    for schema in made["components"]["schemas"].values():
        _untitled(schema)
    return made


def _untitled(schema: dict[str, Any]) -> None:
    """Titles of fields, which only repeat their names."""
    for field in schema.get("properties", {}).values():
        field.pop("title", None)


def _operations(made: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path in made["paths"].values():
        yield from path.values()
