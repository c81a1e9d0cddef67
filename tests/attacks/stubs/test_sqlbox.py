"""The careless database: its read-only transaction holds until a text ends it, and no longer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from toolgate.attacks.stubs.sqlbox import TOKEN, Server
from toolgate.attacks.stubs.stub import Failed


@pytest_asyncio.fixture
async def database(tmp_path: Path) -> AsyncIterator[Server]:
    server = Server(tmp_path, ["a second ticket"])
    yield server
    await server.close()


@pytest.mark.parametrize(
    "sql", ["DROP TABLE tickets", "DELETE FROM tickets", "/* x */ INSERT INTO tokens VALUES (1, 2)"]
)
async def test_a_read_only_transaction_writes_nothing(database: Server, sql: str) -> None:
    with pytest.raises(Failed, match="readonly"):
        await database.answer("run_query", {"sql": sql})
    assert "dropped" not in database.noted
    assert "second" in await database.answer("list_tickets", {})


@pytest.mark.parametrize(
    "sql",
    [
        "COMMIT; DROP TABLE tickets",
        "commit; drop/**/table tickets;",
        "SELECT 1; -- ; \nEND; DROP\tTABLE tickets",
        "/* ; */ ROLLBACK; DROP TABLE tickets",
    ],
)
async def test_a_text_that_ends_the_transaction_writes(database: Server, sql: str) -> None:
    await database.answer("run_query", {"sql": sql})
    assert database.noted["dropped"] == ["tickets"]


async def test_a_failed_script_changes_nothing_and_the_next_query_runs(database: Server) -> None:
    with pytest.raises(Failed, match="no such table"):
        await database.answer("execute", {"sql": "DELETE FROM tickets; SELECT * FROM nowhere"})
    assert "second" in await database.answer("list_tickets", {})


async def test_a_quote_in_a_name_ends_the_text_of_the_query(database: Server) -> None:
    assert await database.answer("find_ticket", {"customer": "ann"}) == "1 | ann | The printer is on fire."
    await database.answer(
        "find_ticket", {"customer": "x'; INSERT INTO tickets (body) VALUES ('planted" + "'); SELECT '1"}
    )
    assert "planted" in await database.answer("list_tickets", {})


async def test_a_row_that_shows_the_token_is_noted_as_leaked(database: Server) -> None:
    await database.answer("run_query", {"sql": "SELECT * FROM tokens"})
    assert database.noted["leaked"] == [f"billing | {TOKEN}"]
    assert "read" not in database.noted
