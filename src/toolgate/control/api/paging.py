"""Lists in pages: a cursor says where the last page ended, so that what is added meanwhile neither repeats nor hides.

A cursor is signed, and holds for one list with its filters in one organisation: nobody can make one up.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, TypeVar
from urllib.parse import urlencode

import msgspec
from fastapi import Depends, Query
from starlette.requests import Request

from toolgate.control.api.refusals import Refused
from toolgate.control.identity.actor import Actor
from toolgate.control.state import State

T = TypeVar("T")
Position = tuple[Any, ...]

MOST: Final = 200
"""Items on one page."""

_PURPOSE: Final = "cursor"
_DIGEST: Final = 32
_OWN: Final = ("cursor", "limit")

Limit = Annotated[int, Query(ge=1, le=MOST, description="How many items at most.", examples=[50])]
Cursor = Annotated[str, Query(max_length=2048, description="The `next` of the page before; without it, the first.")]


@dataclass(slots=True, frozen=True)
class Paging:
    """The page that was asked for. `after` is the position of the last item of the page before."""

    limit: int
    after: Position | None
    state: State
    listing: bytes

    @property
    def one_more(self) -> int:
        """How many to read: one more than is shown tells whether there is another page."""
        return self.limit + 1

    def page(
        self, rows: Sequence[T], describe: Callable[[T], object], position: Callable[[T], Position]
    ) -> dict[str, object]:
        """The answer, of `one_more` rows or fewer. A position is what `after` will be."""
        shown = rows[: self.limit]
        follows = position(shown[-1]) if len(rows) > self.limit else None
        return {"items": [describe(row) for row in shown], "next": self.next(follows)}

    def next(self, position: Position | None) -> str | None:
        """The cursor for what follows this position."""
        if position is None:
            return None
        payload = msgspec.json.encode(position)
        digest = self.state.master.digest(_PURPOSE, self.listing + payload)
        return base64.urlsafe_b64encode(digest + payload).rstrip(b"=").decode()


async def _paging(request: Request, limit: Limit = 50, cursor: Cursor = "") -> Paging:
    state: State = request.app.state.toolgate
    actor: Actor = request.state.actor
    filters = urlencode(sorted(pair for pair in request.query_params.multi_items() if pair[0] not in _OWN))
    listing = f"{actor.organisation} {request.url.path}?{filters} ".encode()
    after = _opened(state, listing, cursor) if cursor else None
    return Paging(limit, after, state, listing)


def _opened(state: State, listing: bytes, cursor: str) -> Position:
    try:
        sealed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise _not_ours() from None
    digest, payload = sealed[:_DIGEST], sealed[_DIGEST:]
    if not state.master.matches(_PURPOSE, listing + payload, digest):
        raise _not_ours()
    return tuple(msgspec.json.decode(payload))


def _not_ours() -> Refused:
    mend = "take the `next` of the page before, with the same filters"
    return Refused(422, "invalid", "Not understood", "query cursor", "is no cursor of this list", mend)


Pages = Annotated[Paging, Depends(_paging)]
