"""A page and its JSON twin: the same data, as HTML for people at `/x` and as JSON for programs at `/x.json`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import msgspec
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from toolgate.control.pages.navigation import navigation
from toolgate.control.pages.static import static
from toolgate.design.page import Page as Page
from toolgate.design.templating import environment
from toolgate.site.rendering import TEMPLATES as CATALOGUE

TWIN: Final = ".json"
_ENVIRONMENT: Final = environment(Path(__file__).parent.parent / "templates", CATALOGUE)
_ENVIRONMENT.globals.update(static=static)


def render(request: Request, page: Page) -> Response:
    """The page, or its twin where that was asked for."""
    if request.url.path.endswith(TWIN):
        body = msgspec.json.encode(page.data)
        return Response(body, page.status, dict(page.headers), media_type="application/json")
    html = render_template(page.template, **{**page.data, **page.view, **_frame(request, page)})
    return Response(html, page.status, dict(page.headers), media_type="text/html")


def render_template(name: str, **variables: Any) -> str:
    """A template alone, without a request: for parts that are sent later."""
    return _ENVIRONMENT.get_template(name).render(variables)


def _frame(request: Request, page: Page) -> dict[str, Any]:
    """What the frame of every page shows: who is signed in, where they are, and the token of forms."""
    actor = getattr(request.state, "actor", None)
    csrf = getattr(request.state, "csrf", "")
    return {
        "title": page.title,
        "done": page.done,
        "refused": page.status == 422,
        "actor": actor,
        "navigation": [] if actor is None else navigation(actor.role, request.url.path),
        "csrf": csrf,
        "csrf_field": csrf_field(csrf),
    }


def csrf_field(csrf: str) -> Markup:
    """The hidden field that every form of a signed-in person holds."""
    return Markup('<input type="hidden" name="csrf" value="{}">').format(csrf)
