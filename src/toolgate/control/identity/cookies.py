"""The cookies of the control plane: named so that no neighbour can set them; two of one name count as none."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

SESSION: Final = "toolgate_session"
VISIT: Final = "toolgate_visit"
"""A random value for those who are not signed in: what the forms of sign-in are bound to."""
KNOWN: Final = "toolgate_known"
"""Which browsers have signed in before: they are not held up when strangers try passwords."""
ATTEMPT: Final = "toolgate_oidc"
"""A sign-in at the identity provider under way, sealed."""

_AT_MOST: Final = 4096


def read(request: Request, name: str) -> str:
    """The value of a cookie; "" where there is none, or more than one.

    A neighbour (another port of this host, a subdomain) can add a cookie of the same name where `__Host-` does not
    forbid it, but cannot take ours away: so a second one means that none is to be believed (RFC 6265bis, section 8.6).
    """
    wanted = _full(request, name)
    found = [
        value.strip()
        for header in request.headers.getlist("cookie")
        for key, _, value in (pair.partition("=") for pair in header.split(";"))
        if key.strip() == wanted
    ]
    return found[0] if len(found) == 1 and len(found[0]) <= _AT_MOST else ""


def put(request: Request, response: Response, name: str, value: str, life: float | None = None) -> None:
    """Set a cookie for `life` seconds, or until the browser ends."""
    response.set_cookie(
        _full(request, name),
        value,
        max_age=None if life is None else int(life),
        path="/",
        secure=secure(request),
        httponly=True,
        samesite="lax",
    )


def drop(request: Request, response: Response, name: str) -> None:
    """Take a cookie away."""
    response.delete_cookie(_full(request, name), path="/", secure=secure(request), httponly=True, samesite="lax")


def secure(request: Request) -> bool:
    """Whether people reach the control plane over https: the operator's word, as a proxy may stand between."""
    return str(request.app.state.toolgate.url).startswith("https:")


def _full(request: Request, name: str) -> str:
    return f"__Host-{name}" if secure(request) else name
