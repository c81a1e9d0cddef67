"""Asks a server for its tools and stores what it answers."""

from __future__ import annotations

import asyncio
import json
import os

from sqlalchemy.engine import Engine

from toolgate.keys import MasterKey
from toolgate.policy.definition import Definition
from toolgate.store import definitions, headers, servers
from toolgate.upstream.discovery import Discovery, discover


def refresh(engine: Engine, actor: str, server: servers.Server, key: MasterKey, *, trusted: bool = False) -> int:
    """Fetch and store the tool definitions of a server; returns how many it lists. Raises ToolgateError.

    `trusted`: the operator registers the server now, so that a pinned server's tools are accepted.
    """
    stored = servers.stored_headers(engine, server.id)
    opened = headers.open_headers(stored, server.id, key.sealer(headers.PURPOSE), os.environ)
    found: Discovery = asyncio.run(discover(server.url, opened, server.reach.allow_private))
    seen = [_seen(tool) for tool in found.tools]
    revision = found.protocol_revision
    definitions.saw(engine, actor, server.id, seen, trusted=trusted, protocol_revision=revision)
    return len(seen)


def _seen(tool: dict[str, object]) -> definitions.Seen:
    definition = Definition(tool)
    return definitions.Seen(definition.name, definition.fingerprint, json.dumps(tool, ensure_ascii=False))
