"""The token endpoint of an authorization server: codes and refresh tokens become tokens, tokens are revoked."""

from __future__ import annotations

import random
import time
from typing import Final

from toolgate.control.connecting import parameters
from toolgate.control.connecting.asking import Asking
from toolgate.control.connecting.clients import credentials_of, server_of
from toolgate.control.connecting.documents import ErrorAnswer, TokenAnswer, read
from toolgate.control.connecting.failures import ConnectingError, Refused, quoted
from toolgate.protocol.challenges import scopes_in
from toolgate.store.access_tokens import Tokens
from toolgate.store.headers import MAX_VALUE
from toolgate.store.oauth import Client, Granted

_PASSING: Final = frozenset({"temporarily_unavailable", "server_error", "slow_down"})
_PATIENCE: Final = 30.0
"""Seconds: an answer that comes too late holds tokens that are lost, and what was sent for them is spent."""
_SHARE: Final = 0.8
"""Of its life after which a token is renewed."""
_JITTER: Final = 0.05
_AT_LEAST: Final = 5.0


async def redeem(asking: Asking, client: Client, body: str, scope: str, before: Tokens | None = None) -> Granted:
    """Ask the token endpoint for what `scope` names; `before` are the tokens that are renewed.

    Raises Refused where only a person can help, else ConnectingError or OutboundError.
    """
    server, asked_at = server_of(client), time.time()
    assert server.token_endpoint is not None
    headers, signed = credentials_of(client).sign(server.token_endpoint, body)
    got = await asking.send("POST", server.token_endpoint, headers, signed, _PATIENCE)
    if got.status != 200:
        raise _error(client.issuer, got.status, read(got.body, ErrorAnswer))
    answer = read(got.body, TokenAnswer)
    if answer is None or answer.token_type.lower() != "bearer" or not _fits(answer.access_token):
        raise ConnectingError(quoted(client.issuer), "gave no bearer token that a request could carry")
    refresh = answer.refresh_token or (before.refresh if before is not None else "")
    scope = scopes_in(answer.scope or "") or scope
    tokens = Tokens(answer.access_token, refresh, client.issuer, client.client_id)
    return _granted(tokens, asking.url, scope, asked_at, answer.life)


async def revoke(asking: Asking, client: Client, tokens: Tokens) -> None:
    """Revoke the tokens, that which renews first. Raises as `redeem`, at the first that could not be."""
    endpoint = server_of(client).revocation_endpoint
    if not endpoint:
        raise ConnectingError(quoted(client.issuer), "offers no way to revoke tokens")
    for token, hint in ((tokens.refresh, "refresh_token"), (tokens.access, "access_token")):
        if token:
            headers, signed = credentials_of(client).sign(endpoint, parameters.revoke_request(token, hint))
            got = await asking.send("POST", endpoint, headers, signed)
            if got.status != 200:
                raise _error(client.issuer, got.status, read(got.body, ErrorAnswer))


def _granted(tokens: Tokens, url: str, scope: str, asked_at: float, life: float | None) -> Granted:
    """Renewed at 80 % of its life, a little earlier for some, so that not all of them come at once.

    A token that nothing can renew comes up when it ends, to be called expired.
    """
    if life is None:
        return Granted(tokens, url, scope, None, None)
    spread = 1 - _JITTER * random.random()  # noqa: S311 - spreads load, decides nothing
    soon = asked_at + max(_AT_LEAST, life * _SHARE * spread)
    return Granted(tokens, url, scope, asked_at + life, soon if tokens.refresh else asked_at + life)


def _fits(token: str) -> bool:
    """Whether a header can carry it and nothing else (RFC 6750 section 2.1)."""
    return 0 < len(token) <= MAX_VALUE and all("!" <= char <= "~" for char in token)


def _error(issuer: str, status: int, error: ErrorAnswer | None) -> ConnectingError:
    """A 4xx with an error code of OAuth is the server's word; anything else may pass."""
    if error is None or not 400 <= status < 500 or status == 429 or error.error in _PASSING:
        said = f" and `{quoted(error.error)}`" if error is not None else ""
        return ConnectingError(quoted(issuer), f"answered with HTTP status {status}{said} in place of a token")
    said = f": {quoted(error.error_description)}" if error.error_description else ""
    return Refused(quoted(issuer), f"refused with `{quoted(error.error)}`{said}", "connect again", error.error)
