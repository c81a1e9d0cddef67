"""What strangers say of themselves, read without a network; and how requests of OAuth are built."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolgate.control.connecting import parameters
from toolgate.control.connecting.clients import document
from toolgate.control.connecting.documents import (
    ResourceMetadata,
    ServerMetadata,
    TokenAnswer,
    check_resource,
    read,
    same_issuer,
    scopes_of,
)
from toolgate.control.connecting.failures import ConnectingError, quoted
from toolgate.control.connecting.parameters import Asked, Credentials

URL = "https://mcp.example.com/team/mcp"


@pytest.mark.parametrize(
    "resource",
    [
        URL,
        f"{URL}/",
        "https://mcp.example.com/team",
        "https://mcp.example.com",
        "https://mcp.example.com/",
        "https://MCP.example.com:443/team/",
    ],
)
def test_a_resource_is_the_servers_address_or_one_above(resource: str) -> None:
    assert check_resource(resource, URL) == resource


@pytest.mark.parametrize(
    "resource",
    [
        "http://mcp.example.com/team/mcp",
        "https://mcp.example.com:8443/team/mcp",
        "https://mcp.example.com.evil.example/team/mcp",
        "https://example.com/team/mcp",
        "https://mcp.example.com/team/mcp/below",
        "https://mcp.example.com/tea",
        "https://mcp.example.com/team/mcp?tenant=other",
        "https://mcp.example.com/%74eam/mcp",
        "https://user@mcp.example.com/team/mcp",
        "https://mcp.example.com/team/mcp#x",
        "mcp.example.com",
        "",
    ],
)
def test_another_resource_is_refused(resource: str) -> None:
    with pytest.raises(ConnectingError):
        check_resource(resource, URL)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://auth.example", "https://auth.example", True),
        ("https://auth.example", "https://auth.example/", True),
        ("https://auth.example/tenant", "https://auth.example/tenant", True),
        ("https://auth.example/tenant", "https://auth.example/tenant/", False),
        ("https://auth.example", "https://auth.example//", False),
        ("https://auth.example", "https://AUTH.example", False),
        ("https://auth.example", "https://auth.example:443", False),
        ("https://auth.example", "https://auth.example?", False),
        ("https://auth.example", "http://auth.example", False),
        ("https://auth.example", "https://auth.example#", False),
        ("https://[", "https://auth.example", False),
    ],
)
def test_issuers_are_compared_by_characters(one: str, other: str, same: bool) -> None:
    assert same_issuer(one, other) is same
    assert same_issuer(other, one) is same


@given(st.binary(max_size=80))
def test_any_bytes_are_read_without_an_error(body: bytes) -> None:
    for kind in (ResourceMetadata, ServerMetadata, TokenAnswer):
        read(body, kind)


@pytest.mark.parametrize(
    ("expires_in", "life"),
    [(60, 60), ("60", 60), (0, None), (-1, None), ("soon", None), (None, None), (1e300, None), ("nan", None)],
)
def test_the_life_of_a_token_is_read_carefully(expires_in: Any, life: float | None) -> None:
    assert TokenAnswer("t", "Bearer", expires_in).life == life


def test_scopes_that_are_none_are_left_out() -> None:
    assert scopes_of(["read", "two words", 'quo"te', "", "\u202e", "write"]) == ("read", "write")
    assert scopes_of(None) == ()


def test_the_words_of_strangers_are_cut_and_printable() -> None:
    assert quoted("\x1b[31m\u202e") == "\\x1b[31m\\u202e"
    assert len(quoted("x" * 10_000)) == 200


def test_an_authorization_request_has_every_part_once() -> None:
    asked = Asked("us & them", "https://c.example/oauth/callback", "a b", URL, "s", "v" * 50)
    link = urlsplit(parameters.authorization_url("https://auth.example/a?tenant=1", asked))
    said = parse_qs(link.query, keep_blank_values=True)
    assert said == {
        "tenant": ["1"],
        "response_type": ["code"],
        "client_id": ["us & them"],
        "redirect_uri": ["https://c.example/oauth/callback"],
        "scope": ["a b"],
        "state": ["s"],
        "resource": [URL],
        "code_challenge": said["code_challenge"],
        "code_challenge_method": ["S256"],
    }


def test_a_client_shows_who_it_is_as_it_was_registered() -> None:
    headers, body = Credentials("a:b", "client_secret_basic", "s/é").sign("https://auth.example/token", "x=1")
    assert base64.b64decode(headers["Authorization"].removeprefix("Basic ")) == b"a%3Ab:s%2F%C3%A9"
    assert body == b"x=1"
    headers, body = Credentials("a:b", "client_secret_post", "s&t").sign("https://auth.example/token", "x=1")
    assert parse_qs(body.decode()) == {"x": ["1"], "client_id": ["a:b"], "client_secret": ["s&t"]}
    assert "Authorization" not in headers
    headers, body = Credentials("a:b", "none").sign("https://auth.example/token", "x=1")
    assert parse_qs(body.decode()) == {"x": ["1"], "client_id": ["a:b"]}
    assert "hidden" not in repr(Credentials("a", "client_secret_post", "hidden"))


@pytest.mark.parametrize("url", ["http://c.example", "https://localhost:8485", "https://127.0.0.1", "https://[::1]:1"])
def test_there_is_no_client_document_where_nobody_could_fetch_it(url: str) -> None:
    assert document(url) is None


def test_the_client_document_is_named_by_its_own_address() -> None:
    said = document("https://c.example")
    assert said is not None
    assert said["client_id"] == "https://c.example/oauth/client.json"
    assert said["redirect_uris"] == ["https://c.example/oauth/callback"]
    assert said["token_endpoint_auth_method"] == "none"
