"""A registered server as an upstream: its row, its opened credentials, its TLS settings."""

from __future__ import annotations

import os
import ssl
from pathlib import Path

from toolgate.errors import ToolgateError
from toolgate.keys import Sealer
from toolgate.store.headers import open_headers
from toolgate.store.view import ServerRow
from toolgate.upstream.address import parse_url
from toolgate.upstream.http import HttpUpstream


def open_upstream(row: ServerRow, sealer: Sealer) -> HttpUpstream:
    """The way to a server; raises ToolgateError when a credential or a file of its settings cannot be read.

    `env:` credentials are read from this process's environment now. No connection is opened yet.
    """
    if row.command:
        raise ToolgateError(f"server {row.name}", "this version starts no commands", "register it with --url")
    endpoint = parse_url(row.url, allow_private=row.allow_private)
    headers = open_headers(row.headers, row.id, sealer, os.environ)
    tls = _tls(row) if endpoint.scheme == "https" else None
    return HttpUpstream(endpoint, headers, allow_private=row.allow_private, tls=tls)


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
