"""Routes of the catalogue: for who is signed in, and for strangers where the installation shows it to everybody."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from toolgate.control.identity.actor import Actor
from toolgate.control.identity.needed import actor_of, recognised
from toolgate.control.identity.refusals import TooMany
from toolgate.control.identity.throttle import Rate, Throttle, network_of
from toolgate.control.pages.rendering import TWIN, Page, render
from toolgate.control.pages.routing import state
from toolgate.site.surroundings import Surroundings

PREFIX: Final = "/catalogue"
LOOKS: Final = Rate(burst=240, every=0.25)
"""Of the pages, for each address of strangers: people never reach it, and a robot reads four pages a second."""
_KEPT: Final = {"cache-control": "public, max-age=300", "vary": "cookie, authorization"}
"""What everybody may see may be kept by whatever stands between, for minutes."""


@dataclass(slots=True, frozen=True)
class Reader:
    """Who reads. A stranger has no `actor`, and sees what is public: the organisation ""."""

    actor: Actor | None
    here: Surroundings

    @property
    def organisation(self) -> str:
        """Whose entries are seen beside the public ones."""
        return self.actor.organisation if self.actor is not None else ""


Answer: TypeAlias = Page | Response
Look: TypeAlias = Callable[[Request, Reader], Answer]


def reading(path: str, look: Look, *, twin: bool = True) -> list[BaseRoute]:
    """The routes of something below PREFIX, and of its twin; `look` runs in a thread."""

    async def endpoint(request: Request) -> Response:
        reader = await reader_of(request)
        return await run_in_threadpool(_answered, request, reader, look)

    own = [Route(PREFIX + path, endpoint, methods=["GET"])]
    return [*([Route(PREFIX + path + TWIN, endpoint, methods=["GET"])] if twin else []), *own]


async def reader_of(request: Request) -> Reader:
    """Who reads. Raises NotSignedIn where strangers see nothing, TooMany for one who asks too often."""
    here = state(request)
    actor = await recognised(request)
    if actor is None and not here.settings.public_catalogue:
        actor = await actor_of(request)  # which says that nobody is signed in
    if actor is not None:
        return Reader(actor, around(request, actor))
    _admit(request.app.state.readers, request)
    return Reader(None, around(request, None))


def shown(page: Page, reader: Reader) -> Page:
    """The page in the frame of who reads it."""
    frame = "base.html" if reader.actor is not None else "public.html"
    return replace(page, view={**page.view, "frame": frame})


def missing(reader: Reader) -> Page:
    """What stands at an address where there is nothing."""
    view: Mapping[str, Any] = {"here": reader.here, "summary": "", "section": "", "address": "", "twin": ""}
    data = {"title": "Not found", "status": 404, "detail": "the catalogue has nothing at this address"}
    return Page("catalogue/missing.html", "Not found", data, view, status=404)


def _answered(request: Request, reader: Reader, look: Look) -> Response:
    answer = look(request, reader)
    response = render(request, shown(answer, reader)) if isinstance(answer, Page) else answer
    if reader.actor is None and response.status_code == 200:
        response.headers.update(_KEPT)
    return response


def around(request: Request, actor: Actor | None) -> Surroundings:
    """What pages show of their place to this actor, or to a stranger."""
    way_back = urlencode({"to": request.url.path.removesuffix(TWIN)})
    return Surroundings(
        prefix=PREFIX,
        origin=state(request).url,
        contact=f"{PREFIX}/contact",
        sign_in="" if actor is not None else f"/sign-in?{way_back}",
        applies=actor is not None and actor.may("policy_manager"),
    )


def _admit(throttle: Throttle, request: Request) -> None:
    address = request.client.host if request.client is not None else ""
    wait = throttle.take([(f"look {network_of(address)}", LOOKS)])
    if wait:
        raise TooMany("catalogue", "was asked for too often", f"wait {wait} s", wait)
