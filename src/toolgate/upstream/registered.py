"""A registered server as an upstream: its row, its opened credentials or variables, its TLS settings."""

from __future__ import annotations

import os
import ssl
from pathlib import Path

from toolgate.errors import ToolgateError
from toolgate.keys import Sealer
from toolgate.store.headers import open_headers
from toolgate.store.variables import open_variables
from toolgate.store.view import ServerRow
from toolgate.upstream.address import parse_url
from toolgate.upstream.http import HttpUpstream
from toolgate.upstream.interface import Upstream
from toolgate.upstream.stdio import StdioUpstream
from toolgate.upstream.stdio_environment import inherited


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
