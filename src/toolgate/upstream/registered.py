"""A registered server as an upstream: its row, its opened credentials or variables, its TLS settings."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterable
from pathlib import Path

from toolgate.errors import ToolgateError
from toolgate.keys import SealBroken, Sealer
from toolgate.store.access_tokens import open_tokens
from toolgate.store.headers import open_headers
from toolgate.store.variables import open_variables
from toolgate.store.view import ConnectionRow, ServerRow
from toolgate.upstream.address import parse_url
from toolgate.upstream.connected import Connected
from toolgate.upstream.http import HttpUpstream
from toolgate.upstream.interface import Upstream
from toolgate.upstream.stdio import StdioUpstream
from toolgate.upstream.stdio_environment import inherited
from toolgate.upstream.unavailable import Unavailable


def open_upstream(row: ServerRow, sealer: Sealer) -> Upstream:
    """The way to a server; raises ToolgateError when a credential or a file of its settings cannot be read.

    `env:` credentials are read from this process's environment now. Nothing is connected or started yet.
    """
    if row.command:
        return _stdio(row, sealer)
    endpoint = parse_url(row.url, allow_private=row.allow_private)
    headers = open_headers(row.headers, row.id, sealer, os.environ)
    tls = _tls(row) if endpoint.scheme == "https" else None
    return HttpUpstream(endpoint, headers, allow_private=row.allow_private, tls=tls)


def connected_ways(
    row: ServerRow, upstream: Upstream, connections: Iterable[ConnectionRow], sealer: Sealer
) -> dict[str, Upstream]:
    """The ways with the server's OAuth connections, by the id of the grant that each belongs to ("": every grant).

    A connection that does not open is a way on which every exchange fails with the reason: what it was for must not
    go out without credential, or with another one.
    """
    if not isinstance(upstream, HttpUpstream):
        return {}
    return {it.grant_id: _connected(row, upstream, it, sealer) for it in connections}


def _connected(row: ServerRow, upstream: HttpUpstream, connection: ConnectionRow, sealer: Sealer) -> Upstream:
    try:
        tokens = open_tokens(connection.sealed, row.id, connection.grant_id, row.url, sealer)
    except SealBroken as error:
        return Unavailable(f"its {error}")
    return Connected(upstream, connection, tokens)


def _stdio(row: ServerRow, sealer: Sealer) -> StdioUpstream:
    variables = open_variables(row.headers, row.id, sealer, os.environ)
    return StdioUpstream(row.name, row.command, {**inherited(os.environ), **variables})


def _tls(row: ServerRow) -> ssl.SSLContext:
    """The context of one server, built once: system trust or its own authority, optional client certificate."""
    try:
        context = ssl.create_default_context(cafile=_path(row.ca_file))
        if row.client_certificate:
            context.load_cert_chain(row.client_certificate, _path(row.client_key))
    except (OSError, ssl.SSLError) as error:
        raise ToolgateError(f"server {row.name}", f"its TLS files cannot be read: {error}") from None
    return context


def _path(text: str | None) -> Path | None:
    return Path(text) if text else None
