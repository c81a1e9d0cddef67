"""The files of the pages: read once, served under a digest of them all, so that browsers may keep them for ever."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

_DIRECTORY: Final = Path(__file__).parent.parent / "static"
_TYPES: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_FILES: Final = {file.relative_to(_DIRECTORY).as_posix(): file.read_bytes() for file in sorted(_DIRECTORY.rglob("*.*"))}
_KEPT: Final = {"cache-control": "public, max-age=31536000, immutable"}


def _digest() -> str:
    digest = hashlib.sha256()
    for name, content in _FILES.items():
        digest.update(f"{name} {len(content)} ".encode() + content)
    return digest.hexdigest()[:16]


DIGEST: Final = _digest()
"""Of all files together, so that modules may import each other by relative paths."""


def static(name: str) -> str:
    """The address of a file, for templates. Raises KeyError for one that is not there."""
    if name not in _FILES:
        raise KeyError(name)
    return f"/static/{DIGEST}/{name}"


async def _serve(request: Request) -> Response:
    """A file at its present address; an address of another release is gone, for its content is."""
    name = request.path_params["name"]
    content = _FILES.get(name)
    if content is None or request.path_params["digest"] != DIGEST:
        return Response(status_code=404)
    return Response(content, media_type=_TYPES[Path(name).suffix], headers=_KEPT)


routes: list[BaseRoute] = [Route("/static/{digest}/{name:path}", _serve, methods=["GET"])]
