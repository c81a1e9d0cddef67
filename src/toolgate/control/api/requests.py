"""What a request may look like: one strict JSON value of a bounded size, and no parameter that nobody reads."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from starlette.requests import Request

from toolgate.control.api.refusals import Refused
from toolgate.protocol import strict_json

MAX_BODY: Final = 1024 * 1024
"""Bytes."""

_JSON: Final = "application/json"


class StrictRequest(Request):
    """A request whose body was read and judged already: what is read of it later is that."""

    def __init__(self, request: Request, body: bytes, value: object) -> None:
        super().__init__(request.scope, request.receive)
        self.whole = body
        self._strict_value = value

    async def body(self) -> bytes:
        """The bytes as they came."""
        return self.whole

    async def json(self) -> object:
        """The one value that they mean."""
        return self._strict_value


async def strict(request: Request, parameters: Collection[str], *, body: bool, document: bool) -> StrictRequest:
    """The request, read. `body`: a JSON value is expected; `document`: it is left to somebody else to read.

    Raises Refused, Malformed.
    """
    _check_query(request, parameters)
    if not body:
        await _expect_nothing(request)
        return StrictRequest(request, b"", None)
    _check_type(request)
    content = await _read(request)
    return StrictRequest(request, content, None if document or not content else strict_json.read(content))


def _check_query(request: Request, known: Collection[str]) -> None:
    """A filter that is not known, or said twice, would silently list something else than was meant."""
    seen: set[str] = set()
    for name, _ in request.query_params.multi_items():
        place = f"query {name[:80]}"
        if name not in known:
            mend = f"use {', '.join(sorted(known))}" if known else "leave it out"
            raise Refused(422, "invalid", "Not understood", place, "is not known here", mend)
        if name in seen:
            raise Refused(422, "invalid", "Not understood", place, "is given twice", "give it once")
        seen.add(name)


def _check_type(request: Request) -> None:
    given = request.headers.getlist("content-type")
    kind = given[0].partition(";")[0].strip().lower() if len(given) == 1 else ""
    if kind != _JSON:
        cause = f"a body is `{_JSON}`"
        raise Refused(
            415, "wrong-content-type", "Wrong content type", "content-type", cause, f"send Content-Type: {_JSON}"
        )


async def _read(request: Request) -> bytes:
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > MAX_BODY:
        raise _too_large()
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > MAX_BODY:
            raise _too_large()
        parts.append(part)
    return b"".join(parts)


def _too_large() -> Refused:
    return Refused(413, "too-large", "Too large", "body", f"is larger than {MAX_BODY} bytes", "send less at once")


async def _expect_nothing(request: Request) -> None:
    """A body that nobody reads was meant for another operation."""
    if await _read(request):
        raise Refused(422, "invalid", "Not understood", "body", "is not expected here", "send none")
