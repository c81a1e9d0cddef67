"""Requests of OAuth, built by Authlib: its functions have no types, so everything that calls them stands here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote_plus

from authlib.oauth2.auth import ClientAuth  # type: ignore[import-untyped]
from authlib.oauth2.rfc6749.parameters import (  # type: ignore[import-untyped]
    prepare_grant_uri,
    prepare_token_request,
)
from authlib.oauth2.rfc7009 import prepare_revoke_token_request  # type: ignore[import-untyped]
from authlib.oauth2.rfc7636 import create_s256_code_challenge  # type: ignore[import-untyped]
from authlib.oauth2.rfc8414 import get_well_known_url  # type: ignore[import-untyped]

FORM: Final = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}


@dataclass(slots=True, frozen=True)
class Credentials:
    """How a client shows who it is at the token endpoint: `method` as RFC 7591 names it."""

    client_id: str
    method: str
    secret: str = field(default="", repr=False)

    def sign(self, url: str, body: str) -> tuple[dict[str, str], bytes]:
        """Headers and body of a request to the token or revocation endpoint."""
        basic = self.method == "client_secret_basic"
        # RFC 6749 section 2.3.1: identifier and secret are form-encoded before they become user name and password.
        names = (quote_plus(self.client_id), quote_plus(self.secret)) if basic else (self.client_id, self.secret)
        _url, headers, signed = ClientAuth(*names, self.method).prepare("POST", url, dict(FORM), body)
        return headers, signed.encode()


@dataclass(slots=True, frozen=True)
class Asked:
    """The parts of an authorization request."""

    client_id: str
    redirect_uri: str
    scope: str
    resource: str
    state: str = field(repr=False)
    verifier: str = field(repr=False)
    prompt: str | None = None


def authorization_url(endpoint: str, asked: Asked) -> str:
    """Where the member's browser goes: code flow with PKCE S256 and the resource that the token is for (RFC 8707)."""
    return str(
        prepare_grant_uri(
            endpoint,
            asked.client_id,
            "code",
            redirect_uri=asked.redirect_uri,
            scope=asked.scope or None,
            state=asked.state,
            resource=asked.resource,
            code_challenge=create_s256_code_challenge(asked.verifier),
            code_challenge_method="S256",
            prompt=asked.prompt,
        )
    )


def code_request(code: str, verifier: str, redirect_uri: str, resource: str) -> str:
    """The body that exchanges a code for tokens."""
    return str(
        prepare_token_request(
            "authorization_code", redirect_uri=redirect_uri, code=code, code_verifier=verifier, resource=resource
        )
    )


def refresh_request(refresh_token: str, resource: str) -> str:
    """The body that exchanges a refresh token for new tokens of the same scope."""
    return str(prepare_token_request("refresh_token", refresh_token=refresh_token, resource=resource))


def revoke_request(token: str, hint: str) -> str:
    """The body that revokes a token (RFC 7009)."""
    body, _headers = prepare_revoke_token_request(token, hint)
    return str(body)


def well_known(url: str, suffix: str) -> str:
    """The well-known URL of an issuer or resource, its path behind the suffix (RFC 8414 section 3.1, RFC 9728)."""
    return str(get_well_known_url(url, external=True, suffix=suffix))
