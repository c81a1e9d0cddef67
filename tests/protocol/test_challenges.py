"""`WWW-Authenticate` of servers, honest and hostile."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolgate.protocol.challenges import Challenge, bearer

METADATA = "https://mcp.example.com/.well-known/oauth-protected-resource"


@pytest.mark.parametrize(
    ("header", "challenge"),
    [
        ("Bearer", Challenge()),
        ("bearer", Challenge()),
        (f'Bearer resource_metadata="{METADATA}"', Challenge(resource_metadata=METADATA)),
        (
            f'Bearer error="insufficient_scope", scope="files:read files:write",resource_metadata="{METADATA}"',
            Challenge("files:read files:write", "insufficient_scope", METADATA),
        ),
        ('Basic realm="a, Bearer scope=x", Bearer scope="y"', Challenge("y")),
        ("Negotiate YWJj==, Bearer scope=one", Challenge("one")),
        (r'Bearer scope="a\"b"', Challenge("")),
        (r'Bearer error="in\valid"', Challenge(error="invalid")),
        ("Bearer  scope = one , error=two", Challenge("one", "two")),
        ('Bearer realm="x" scope="y"', Challenge("y")),
    ],
)
def test_a_bearer_challenge_is_read(header: str, challenge: Challenge) -> None:
    assert bearer(header) == challenge


@pytest.mark.parametrize("header", ["", ",", 'Basic realm="x"', "DPoP algs=ES256", '"Bearer"', "=Bearer"])
def test_what_is_no_bearer_challenge_is_none(header: str) -> None:
    assert bearer(header) is None


def test_a_parameter_that_is_said_twice_says_nothing() -> None:
    assert bearer('Bearer scope="a", scope="b"') == Challenge()


@pytest.mark.parametrize("scope", ["a\r\nb", "a\tb", "a  b", " a", "ä", "x" * 1025, "a\x00"])
def test_a_scope_that_is_none_is_left_out(scope: str) -> None:
    assert bearer(f'Bearer scope="{scope}"') == Challenge()


def test_a_hostile_header_takes_no_time() -> None:
    for header in ('Bearer scope="' + "\\" * 200_000, "Bearer " + "a" * 200_000, "Bearer " + "a=" * 100_000):
        bearer(header)


@given(st.text(alphabet='Bearer scope="\\,= a\t\x00é', max_size=60))
def test_any_text_is_read_without_an_error(header: str) -> None:
    challenge = bearer(header)
    assert challenge is None or "\n" not in challenge.scope
