"""Every error of the REST API as a problem (RFC 9457): what kind, where, why, and what to do about it.

The one place that knows which HTTP status an error has.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec
from fastapi.exceptions import RequestValidationError, ResponseValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from toolgate.background import complain
from toolgate.control.api.refusals import Refused
from toolgate.control.identity.refusals import Forged, NotAllowed, NotSignedIn, Refusal, TooMany
from toolgate.errors import ToolgateError
from toolgate.keys import SealBroken
from toolgate.policy.problems import PolicyError
from toolgate.protocol.malformed import Malformed
from toolgate.store.approvals import NotPending
from toolgate.store.errors import BadInput, Busy, Conflict, NotStored, StoreError
from toolgate.store.idempotency import OtherRequest

MEDIA_TYPE: Final = "application/problem+json"
_TYPE: Final = "urn:toolgate:problem:"

# The first that fits: a kind before the kind it is one of.
_KINDS: Final[tuple[tuple[type[ToolgateError], int, str, str], ...]] = (
    (NotSignedIn, 401, "not-signed-in", "Not signed in"),
    (Forged, 403, "forged", "Forged request"),
    (NotAllowed, 403, "not-allowed", "Not allowed"),
    (TooMany, 429, "too-many", "Too many tries"),
    (PolicyError, 422, "invalid-policy", "Not a valid policy"),
    (Malformed, 400, "malformed", "Not one JSON value"),
    (NotStored, 404, "not-found", "Not found"),
    (OtherRequest, 422, "key-reused", "Key used for another request"),
    (Conflict, 409, "conflict", "Contradicts what is stored"),
    (NotPending, 409, "conflict", "Contradicts what is stored"),
    (BadInput, 422, "invalid", "Not understood"),
    (Busy, 503, "busy", "Busy"),
)
_PLAIN: Final = {
    404: ("not-found", "Not found", "there is no operation at this path", "openapi.json lists all"),
    405: ("method-not-allowed", "Not this way", "the operation has another method", "see the header Allow"),
}
_FIELDS: Final = frozenset({"name", "email", "role", "approver", "expires", "url", "format", "servers", "reason"})
"""Of bodies, as the store calls them."""
_INSIDE: Final = ToolgateError(
    "installation", "something went wrong inside", "the log of the control process says what"
)


async def of_error(_request: Request, error: Exception) -> Response:
    """What the application refuses. A fault of the installation is told to the log, not to whoever asks."""
    assert isinstance(error, ToolgateError)
    headers = {"www-authenticate": "Bearer"} if isinstance(error, NotSignedIn) else {}
    if isinstance(error, TooMany | Busy):
        headers["retry-after"] = str(error.after) if isinstance(error, TooMany) else "1"
    if isinstance(error, Refused):
        return problem(error.status, error.kind, error.title, error, headers=headers | error.headers)
    for kind, status, word, title in _KINDS:
        if isinstance(error, kind):
            return problem(status, word, title, error, headers=headers, problems=_of_policy(error))
    if isinstance(error, Refusal):
        return problem(error.status, "refused", "Refused", error, headers=headers)
    if isinstance(error, StoreError | SealBroken):
        return failed(error)
    return problem(422, "invalid", "Not understood", error)


async def of_routing(request: Request, error: Exception) -> Response:
    """What the router itself refuses."""
    assert isinstance(error, HTTPException)
    kind, title, cause, mend = _PLAIN.get(error.status_code, ("refused", "Refused", error.detail.lower(), ""))
    told = ToolgateError(f"{request.method} {request.url.path}", cause, mend)
    return problem(error.status_code, kind, title, told, headers=dict(error.headers or {}))


async def of_request(_request: Request, error: Exception) -> Response:
    """A body or parameter of the wrong shape: every fault with its place; never what was sent."""
    assert isinstance(error, RequestValidationError)
    found = [_fault(fault) for fault in error.errors()]
    first = found[0]
    more = f", and {len(found) - 1} more" if len(found) > 1 else ""
    told = ToolgateError(first["pointer"], first["cause"] + more, first["mend"])
    return problem(422, "invalid", "Not understood", told, problems=found)


async def of_answer(_request: Request, error: Exception) -> Response:
    """An answer that is not what the document promises: nothing of it goes out."""
    assert isinstance(error, ResponseValidationError)
    places = ", ".join(".".join(map(str, fault["loc"])) for fault in error.errors()[:3])
    return failed(ToolgateError("api", f"an answer is not as the document says: {places}"))


async def of_database(_request: Request, error: Exception) -> Response:
    """The index or the approvals cannot be read."""
    return failed(StoreError("database", f"cannot be used: {error}"))


async def of_fault(_request: Request, _error: Exception) -> Response:
    """A fault of ours; the server writes it to the log whole."""
    return problem(500, "failed", "Something went wrong", _INSIDE)


def failed(error: ToolgateError) -> Response:
    """A fault that whoever asks cannot mend."""
    complain(str(error))
    status = 503 if isinstance(error, StoreError) else 500
    return problem(status, "failed", "Something went wrong", _INSIDE)


def problem(
    status: int,
    kind: str,
    title: str,
    error: ToolgateError,
    *,
    headers: Mapping[str, str] | None = None,
    problems: Iterable[Mapping[str, str]] = (),
) -> Response:
    """The answer that tells of a problem."""
    told: dict[str, object] = {"type": _TYPE + kind, "title": title, "status": status}
    told |= {"detail": error.cause, "place": _place(error.place), "mend": error.mend}
    if listed := list(problems):
        told["problems"] = listed
    return Response(msgspec.json.encode(told), status, dict(headers or {}), media_type=MEDIA_TYPE)


def _place(place: str) -> str:
    """The store names what it was given as the command line does: here that is a field of the body."""
    if place.endswith(" name"):
        return "/name"
    if place in _FIELDS:
        return f"/{place}"
    return f"/{place[2:].replace('-', '_')}" if place.startswith("--") else place


def _of_policy(error: ToolgateError) -> list[dict[str, str]]:
    problems = error.problems if isinstance(error, PolicyError) else []
    return [{"pointer": it.pointer, "cause": it.cause, "mend": it.mend} for it in problems]


def _fault(fault: Mapping[str, Any]) -> dict[str, str]:
    where, *path = fault["loc"]
    field = str(path[-1]) if path else ""
    known = {
        "missing": (f"`{field}` is missing" if field else "the body is missing", "give it"),
        "extra_forbidden": (f"`{field}` is not known here", "leave it out, or see openapi.json for its name"),
    }
    message = fault["msg"]
    cause, mend = known.get(fault["type"], (message[:1].lower() + message[1:], ""))
    pointer = "".join(f"/{_escaped(str(step))}" for step in path) if where == "body" else f"{where} {field}"
    return {"pointer": pointer, "cause": cause, "mend": mend}


def _escaped(step: str) -> str:
    """A step of a JSON pointer (RFC 6901)."""
    return step.replace("~", "~0").replace("/", "~1")
