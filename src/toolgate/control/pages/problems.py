"""What a page says when there is none: not signed in, not allowed, not found, busy; and its twin, as a problem."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from toolgate.control.identity.refusals import NotSignedIn, Refusal, TooMany
from toolgate.control.pages.rendering import TWIN, Page, render
from toolgate.errors import ToolgateError
from toolgate.store.errors import BadInput, Busy, NotStored

TITLES: Final = {
    401: "Not signed in",
    403: "Not allowed",
    404: "Not found",
    405: "Not this way",
    413: "Too much",
    422: "Not understood",
    429: "Too many tries",
    503: "Busy",
}
NOTHING: Final = ToolgateError("page", "there is nothing at this address", "the menu leads to everything there is")


def problem_page(request: Request, error: ToolgateError, status: int = 0) -> Response:
    """The answer to a request of a page that failed. Who is not signed in is sent to sign in, and back afterwards."""
    twin = request.url.path.endswith(TWIN)
    if isinstance(error, NotSignedIn) and not twin:
        return _to_sign_in(request)
    status = status or status_of(error)
    title = TITLES.get(status, "That did not work")
    data = {"title": title, "status": status, "place": error.place, "cause": error.cause, "mend": error.mend}
    headers = {"retry-after": str(error.after)} if isinstance(error, TooMany) else {}
    if twin:
        body = msgspec.json.encode({"type": "about:blank", "detail": f"{error.place}: {error.cause}", **data})
        return Response(body, status, headers, media_type="application/problem+json")
    return render(request, Page("problem.html", title, data, {"error": error}, status, headers))


def status_of(error: ToolgateError) -> int:
    """The HTTP status that says what kind of error it is."""
    if isinstance(error, Refusal):
        return error.status
    if isinstance(error, NotStored):
        return 404
    if isinstance(error, Busy):
        return 503
    return 422 if isinstance(error, BadInput) else 409


def _to_sign_in(request: Request) -> Response:
    """To the form of sign-in; back to this page only where that is something to look at.

    Where strangers are shown the catalogue, whoever comes by the front door begins there.
    """
    if request.url.path == "/" and request.app.state.toolgate.settings.public_catalogue:
        return RedirectResponse("/catalogue", status_code=303)
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    to = f"?{urlencode({'to': path})}" if request.method == "GET" and path != "/" else ""
    return RedirectResponse(f"/sign-in{to}", status_code=303)
