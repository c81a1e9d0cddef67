"""A program that speaks to the REST API with a token."""

from __future__ import annotations

import io
import json
from typing import Any

import sqlalchemy as sa
from tests.control.running import Answer, Browser, Control

from toolgate.store.database import reading, writing
from toolgate.store.tables import metadata, organisations

OTHER = "00000000-0000-4000-8000-0000000000ff"
POLICY = '{"version": "1", "default": "deny"}'
OPEN_POLICY = '{"version": "1", "default": "allow"}'


class Program:
    """Somebody with an API token; paths begin after `/api/v1`."""

    def __init__(self, browser: Browser, token: str) -> None:
        self._browser = browser
        self._token = token

    @classmethod
    async def of(cls, control: Control, role: str, **options: Any) -> Program:
        return cls(await control.browser(), control.token(role, **options))

    async def get(self, path: str, **headers: str) -> Answer:
        return await self.ask("GET", path, b"", **headers)

    async def send(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """Send a JSON value; None for no body."""
        return await self.ask(method, path, b"" if body is None else json.dumps(body).encode(), **headers)

    async def ask(self, method: str, path: str, data: bytes = b"", **headers: str) -> Answer:
        named: dict[str, Any] = {
            "authorization": f"Bearer {self._token}",
            "content_type": "application/json",
            **headers,
        }
        return await self._browser.ask(method, f"/api/v1{path}", io.BytesIO(data), **named)


def other_organisation(control: Control) -> str:
    """A second organisation; its id."""
    with writing(control.engine, "test") as change:
        change.connection.execute(organisations.insert().values(id=OTHER, name="other", created=change.now))
    return OTHER


def rows(control: Control) -> dict[str, list[Any]]:
    """Everything that is stored, but for when tokens were last used."""
    with reading(control.engine) as connection:
        return {
            table.name: [tuple(row) for row in connection.execute(_select(table))] for table in metadata.sorted_tables
        }


def _select(table: sa.Table) -> sa.Select[*tuple[Any, ...]]:
    return sa.select(*[column for column in table.c if column.name != "last_used"])
