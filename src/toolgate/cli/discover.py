"""Asks a server for its tools and stores what it answers."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
from sqlalchemy.engine import Engine

from toolgate.keys import MasterKey
from toolgate.policy.definition import Definition
from toolgate.store import definitions, headers
from toolgate.store.errors import NotStored
from toolgate.store.view import ServerRow, View
from toolgate.upstream.discovery import Discovery, ask
from toolgate.upstream.registered import open_upstream


def refresh(data: Path, engine: Engine, actor: str, server_id: str, key: MasterKey, *, trusted: bool = False) -> None:
    """Fetch and store the tool definitions of a server. Raises ToolgateError.

    `trusted`: the operator registers the server now, so that a pinned server's tools are accepted.
    """
    found = asyncio.run(_ask(_row(data, server_id), key))
    seen = [_seen(tool) for tool in found.tools]
    revision = found.protocol_revision
    definitions.saw(engine, actor, server_id, seen, trusted=trusted, protocol_revision=revision)


def _row(data: Path, server_id: str) -> ServerRow:
    """The server as the gateway sees it."""
    view = View.open(data)
    view.close()
    row = view.server(server_id)
    if row is None:
        raise NotStored("server", "was removed by somebody else meanwhile")
    return row


async def _ask(row: ServerRow, key: MasterKey) -> Discovery:
    upstream = open_upstream(row, key.sealer(headers.PURPOSE))
    try:
        return await ask(upstream, row.url or row.name)
    finally:
        await upstream.close()


def _seen(tool: dict[str, object]) -> definitions.Seen:
    definition = Definition(tool)
    return definitions.Seen(definition.name, definition.fingerprint, msgspec.json.encode(tool).decode())
