"""The files of the pages, served under a digest of them all, so that browsers may keep them for ever."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from toolgate.design.assets import SHARED, TYPES, Assets
from toolgate.site.rendering import STATIC as CATALOGUE

_ASSETS: Final = Assets(SHARED, CATALOGUE, Path(__file__).parent.parent / "static")
_KEPT: Final = {"cache-control": "public, max-age=31536000, immutable"}

DIGEST: Final = _ASSETS.digest
"""Of all files together."""


def static(name: str) -> str:
    """The address of a file, for templates. Raises KeyError for one that is not there."""
    return f"/static/{_ASSETS.path(name)}"


async def _serve(request: Request) -> Response:
    """A file at its present address; an address of another release is gone, for its content is."""
    name = request.path_params["name"]
    content = _ASSETS.files.get(name)
    if content is None or request.path_params["digest"] != DIGEST:
        return Response(status_code=404)
    return Response(content, media_type=TYPES[Path(name).suffix], headers=_KEPT)


routes: list[BaseRoute] = [Route("/static/{digest}/{name:path}", _serve, methods=["GET"])]
