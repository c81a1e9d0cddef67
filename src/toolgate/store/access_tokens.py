"""Tokens of OAuth connections, sealed for one place: this server, this grant, this address of the server.

A server that is moved to another address, or a row that is put elsewhere, opens nothing: a token is never sent to
another server than the one it was asked for. This module needs no database: the gateway opens tokens with it.
"""

from __future__ import annotations

import msgspec

from toolgate.keys import SealBroken, Sealer

PURPOSE = "upstream-tokens"
"""The purpose of the master key's sealer: `key.sealer(access_tokens.PURPOSE)`."""


class Tokens(msgspec.Struct, frozen=True):
    """What the authorization server `issuer` gave to `client_id`; `refresh` is "" where it gave none."""

    access: str
    refresh: str
    issuer: str
    client_id: str

    def __repr__(self) -> str:
        return "Tokens(...)"


def seal_tokens(tokens: Tokens, server_id: str, grant_id: str, url: str, sealer: Sealer) -> bytes:
    """What to store for a connection; `grant_id` is "" for the server's own, `url` is the server's address now."""
    return sealer.seal(msgspec.json.encode(tokens), binding(server_id, grant_id, url))


def open_tokens(sealed: bytes, server_id: str, grant_id: str, url: str, sealer: Sealer) -> Tokens:
    """The tokens of a connection. Raises SealBroken, which says what to do."""
    try:
        plain = sealer.open(sealed, binding(server_id, grant_id, url))
    except SealBroken as error:
        cause = "was made for another address of the server, or under another master key"
        raise SealBroken("OAuth connection", cause, "connect the server again") from error
    return msgspec.json.decode(plain, type=Tokens)


def binding(server_id: str, grant_id: str, url: str) -> bytes:
    """What a sealed value is bound to: its place."""
    return f"tokens {server_id} {grant_id or '-'} {url}".encode()
