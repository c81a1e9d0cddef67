"""The records of an installation elsewhere, by its REST API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Final

from toolgate.audit.filters import Filter
from toolgate.cli.administration import Described
from toolgate.cli.exchange import Exchange

_PAGE: Final = 200


class LogElsewhere:
    """The `Log` of the organisation that an API token is of."""

    def __init__(self, api: Exchange) -> None:
        self._api = api

    def records(self, wanted: Filter, newest: int | None) -> Iterator[Described]:
        """Oldest first."""
        asked = _query(wanted)
        if newest is None:
            return map(json.loads, self._api.lines("records/export", {**asked, "format": "jsonl"}))
        return reversed(list(islice(self._api.items("records", asked, min(newest, _PAGE)), newest)))

    def table(self, since: float) -> Iterator[str]:
        """All since then as lines of CSV."""
        return self._api.lines("records/export", {**_query(Filter(since=since)), "format": "csv"})


def _query(wanted: Filter) -> dict[str, str]:
    given = {"grant": wanted.grant, "tool": wanted.tool, "outcome": wanted.outcome}
    if wanted.since:
        given["since"] = datetime.fromtimestamp(wanted.since, UTC).isoformat()
    return {name: value for name, value in given.items() if value}
