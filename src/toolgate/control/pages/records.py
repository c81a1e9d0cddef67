"""`/records`: the decision log, newest first, with its filters, and the same as a file."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute

from toolgate.audit import export
from toolgate.audit.search import Found
from toolgate.control.pages.lines import line_of
from toolgate.control.pages.rendering import TWIN, Page
from toolgate.control.pages.routing import actor, page, state
from toolgate.control.pages.wanted import OUTCOMES, given, place, wanted
from toolgate.control.recorded import seen_by
from toolgate.store.described import when
from toolgate.store.errors import BadInput
from toolgate.store.labels import living_servers, server_names

SINCE: Final = (
    ("", "any time"),
    ("1h", "last hour"),
    ("24h", "last 24 hours"),
    ("7d", "last 7 days"),
    ("30d", "last 30 days"),
)
_CHUNK: Final = 200
"""Records of an export that are sent at once."""


def _records(request: Request) -> Page:
    """A page of the log; the twin has the records whole."""
    seen, parameters = seen_by(actor(request)), request.query_params
    try:
        asked = wanted(parameters, seen)
        before, after = place(parameters, "before"), place(parameters, "after")
    except BadInput as error:
        return _form(request, {"records": [], "older": None, "newer": None, "looked_back_to": None}, error)
    found = state(request).records.page(asked.filter, before=before, after=after)
    data = {
        # The template shows lines: only the twin needs the records whole.
        "records": [export.described(*one) for one in found.found] if request.url.path.endswith(TWIN) else [],
        "older": found.older.text() if found.older else None,
        "newer": found.newer.text() if found.newer else None,
        "looked_back_to": when(found.looked_back_to),
    }
    return _form(request, data, None, found.found, asked.query, found.gone)


def _form(
    request: Request,
    data: dict[str, Any],
    error: BadInput | None,
    found: Iterable[Found] = (),
    query: dict[str, str] | None = None,
    gone: int = 0,
) -> Page:
    """The page with what was typed; with an error and status 422 where that cannot be understood."""
    here, organisation = state(request), actor(request).organisation
    rows = [line_of(one) for one in found]
    known = living_servers(here.engine, organisation)
    names = dict(known)
    names |= server_names(here.engine, organisation, {one.server_id for one in rows} - names.keys())
    view = {
        "rows": rows,
        "typed": given(request.query_params),
        "query": query or {},
        "names": names,
        "servers": [("", "any server"), *known],
        "outcomes": [("", "any outcome"), *((outcome, _OUTCOME_WORDS[outcome]) for outcome in OUTCOMES)],
        "spans": SINCE,
        "error": error,
        "gone": gone,
        "first": "before" not in request.query_params and "after" not in request.query_params,
    }
    return Page("records.html", "Decisions", data, view, status=422 if error else 200)


_OUTCOME_WORDS: Final = {
    "allow": "allowed",
    "deny": "denied",
    "wait": "waits for a person",
    "refused": "refused without a grant",
    "gap": "gap in the journal",
}


def _csv(request: Request) -> Response:
    """All that the filters let through as a table, oldest first."""
    asked = wanted(request.query_params, seen_by(actor(request)))
    return _file(csv_text(state(request).records.every(asked.filter)), "text/csv", "decisions.csv")


def _lines(request: Request) -> Response:
    """The same, one JSON object on each line."""
    asked = wanted(request.query_params, seen_by(actor(request)))
    return _file(json_lines(state(request).records.every(asked.filter)), "application/jsonl", "decisions.jsonl")


def csv_text(found: Iterable[Found]) -> Iterator[bytes]:
    """Rows as CSV, in pieces; no cell is a formula to a spreadsheet."""
    rows = export.csv_rows(found)
    while some := list(islice(rows, _CHUNK)):
        text = io.StringIO()
        csv.writer(text).writerows(some)
        yield text.getvalue().encode()


def json_lines(found: Iterable[Found]) -> Iterator[bytes]:
    """Records as JSON lines, in pieces."""
    objects = (export.described(*one) for one in found)
    while some := list(islice(objects, _CHUNK)):
        yield _encode_lines(some)


_encode_lines = msgspec.json.Encoder().encode_lines


def _file(content: Iterator[bytes], kind: str, name: str) -> Response:
    """A file to keep, sent while it is read."""
    return StreamingResponse(
        content, headers={"content-disposition": f'attachment; filename="{name}"'}, media_type=kind
    )


routes: list[BaseRoute] = [
    *page("/records", _records),
    *page("/records.csv", _csv)[1:],
    *page("/records.jsonl", _lines)[1:],
]
