"""Asks a server for its tools and stores what it answers: for the command line, the API and the pages alike."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import msgspec
from sqlalchemy.engine import Engine

from toolgate.keys import MasterKey
from toolgate.store import access_tokens, definitions, headers, rows
from toolgate.store.directory import database_file
from toolgate.store.errors import NotStored
from toolgate.store.rows import ConnectionRow, ServerRow
from toolgate.store.tables import DEFAULT_ORGANISATION
from toolgate.upstream.discovery import Discovery, ask
from toolgate.upstream.registered import connected_ways, open_upstream


async def fetch_tools(
    data: Path,
    engine: Engine,
    actor: str,
    server_id: str,
    key: MasterKey,
    *,
    trusted: bool = False,
    organisation: str = DEFAULT_ORGANISATION,
) -> None:
    """Fetch and store the tool definitions of a server. Raises ToolgateError; wake the gateways afterwards.

    `trusted`: the operator registers the server now, so that a pinned server's tools are accepted. What touches the
    database runs in a thread.
    """
    row, connections = await asyncio.to_thread(_row, data, server_id)
    found = await tools_of(row, connections, key)
    await asyncio.to_thread(_store, engine, actor, server_id, found, trusted, organisation)


async def tools_of(row: ServerRow, connections: Iterable[ConnectionRow], key: MasterKey) -> Discovery:
    """What the server says of itself now, with its own OAuth connection where it has one. Raises ToolgateError."""
    upstream = open_upstream(row, key.sealer(headers.PURPOSE))
    ways = connected_ways(row, upstream, connections, key.sealer(access_tokens.PURPOSE))
    try:
        return await ask(ways.get("", upstream), row.url or row.name)
    finally:
        await upstream.close()


def _row(data: Path, server_id: str) -> tuple[ServerRow, tuple[ConnectionRow, ...]]:
    """The server and its OAuth connections as the gateway sees them."""
    uri = f"{database_file(data).absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True)) as connection:
        row = rows.server(connection, server_id)
        connections = rows.connections_of(connection, server_id) or ()
    if row is None:
        raise NotStored("server", "was removed by somebody else meanwhile")
    return row, connections


def _store(engine: Engine, actor: str, server_id: str, found: Discovery, trusted: bool, organisation: str) -> None:
    seen = [definitions.seen_of(msgspec.json.encode(tool)) for tool in found.tools]
    definitions.saw(
        engine,
        actor,
        server_id,
        seen,
        trusted=trusted,
        protocol_revision=found.protocol_revision,
        organisation=organisation,
    )
