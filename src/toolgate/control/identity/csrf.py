"""Forged requests: a change must come from a page of our own (its origin) and from this session (its token)."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request

from toolgate.control.identity.refusals import Forged
from toolgate.control.state import State

SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
FIELD: Final = "csrf"
HEADER: Final = "x-csrf-token"
MAX_FIELDS: Final = 4096

_FORMS: Final = ("application/x-www-form-urlencoded", "multipart/form-data")


def token_for(state: State, secret: str) -> str:
    """The token of the forms of one session (the digest of its cookie), or of one visit (its cookie)."""
    return state.master.digest("csrf", secret.encode("utf-8", "surrogatepass")).hex()


async def check(request: Request, secret: str) -> None:
    """Refuse what another page made this browser send. Raises Forged."""
    state: State = request.app.state.toolgate
    if not _from_here(request, state):
        raise Forged("request", "comes from a page of another origin", "open the form here and send it again")
    given = request.headers.get(HEADER) or await _of_form(request)
    if not _is_token(state, secret, given):
        raise Forged("form", "does not belong to this session, or is too old", "load the page again and repeat it")


def _is_token(state: State, secret: str, given: str) -> bool:
    """A form that was opened before the master key was replaced may still be sent."""
    try:
        return state.master.matches("csrf", secret.encode("utf-8", "surrogatepass"), bytes.fromhex(given))
    except ValueError:
        return False


def _from_here(request: Request, state: State) -> bool:
    """What the browser says of where a request comes from; programs that are no browser say nothing.

    A page with `Referrer-Policy: no-referrer` sends `Origin: null` (Fetch standard, 3.2), even to its own origin.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None and site not in {"same-origin", "none"}:
        return False
    origin = request.headers.get("origin")
    if origin is None or (origin == "null" and site == "same-origin"):
        return True
    here = {request.headers.get("host", "").lower(), urlsplit(state.url).netloc.lower()}
    return origin != "null" and urlsplit(origin).netloc.lower() in here


async def _of_form(request: Request) -> str:
    if not request.headers.get("content-type", "").lower().startswith(_FORMS):
        return ""
    value = (await request.form(max_files=0, max_fields=MAX_FIELDS)).get(FIELD, "")
    return value if isinstance(value, str) else ""
