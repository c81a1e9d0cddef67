from __future__ import annotations

from pathlib import Path

import pytest

from toolgate.errors import ToolgateError
from toolgate.keys import MasterKey, Sealer
from toolgate.store import headers
from toolgate.store.errors import BadInput
from toolgate.store.headers import HeaderInput, StoredHeader, open_headers, parse_header, seal

SERVER = "5f0c8b1e-0000-4000-8000-000000000001"
OTHER = "5f0c8b1e-0000-4000-8000-000000000002"


@pytest.fixture
def sealer(tmp_path: Path) -> Sealer:
    tmp_path.chmod(0o700)
    return MasterKey.load(tmp_path).sealer(headers.PURPOSE)


def test_a_value_is_taken_as_it_is() -> None:
    assert parse_header("Authorization: Bearer a:b==") == HeaderInput("authorization", value="Bearer a:b==")


def test_a_variable_is_only_named() -> None:
    assert parse_header("X-Key: env:CRM_KEY") == HeaderInput("x-key", variable="CRM_KEY")


def test_a_file_is_read_once_without_its_last_line_end(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("Bearer abc\n")
    assert parse_header(f"Authorization: @{tmp_path}/token") == HeaderInput("authorization", value="Bearer abc")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Authorization",
        ": value",
        "X Y: value",
        "X-Key:",
        "X-Key: a\r\nX-Other: b",
        "X-Key: a\nb",
        "X-Key: naïve",
        "X-Key: " + "a" * 9000,
        "X-Key: env:",
        "X-Key: env:A-B",
        "X-Key: @/nowhere/at/all",
        "X-Key: @",
    ],
)
def test_what_is_no_header_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        parse_header(text)


@pytest.mark.parametrize(
    "name",
    [
        "Host", "connection", "Content-Length", "Transfer-Encoding", "MCP-Session-Id", "mcp-protocol-version",
        "Mcp-Method", "Mcp-Param-Tool", "Content-Type", "Accept", "Upgrade", "TE", "Trailer", "Expect", "Origin",
        "Last-Event-ID", "Proxy-Authorization", "Sec-Fetch-Mode", "Accept-Encoding",
    ],
)  # fmt: skip
def test_headers_that_the_gateway_writes_are_refused(name: str) -> None:
    with pytest.raises(BadInput, match="written by the gateway"):
        parse_header(f"{name}: x")


def test_no_error_repeats_the_secret() -> None:
    with pytest.raises(BadInput) as caught:
        parse_header("X-Key: s3cret\x00")
    assert "s3cret" not in str(caught.value)
    assert "s3cret" not in repr(HeaderInput("x-key", value="s3cret"))


def test_a_header_given_twice_is_refused() -> None:
    with pytest.raises(BadInput, match="twice"):
        headers.unique([parse_header("X-Key: a"), parse_header("x-key: b")])


def test_what_was_sealed_opens_for_the_same_server_and_name(sealer: Sealer) -> None:
    stored = seal(HeaderInput("x-key", value="s3cret"), SERVER, sealer)
    assert stored.sealed is not None
    assert b"s3cret" not in stored.sealed
    assert open_headers([stored], SERVER, sealer, {}) == [("x-key", "s3cret")]


def test_a_sealed_value_opens_neither_for_another_server_nor_under_another_name(sealer: Sealer) -> None:
    stored = seal(HeaderInput("x-key", value="s3cret"), SERVER, sealer)
    with pytest.raises(ToolgateError, match="does not open"):
        open_headers([stored], OTHER, sealer, {})
    with pytest.raises(ToolgateError, match="does not open"):
        open_headers([StoredHeader("authorization", stored.sealed, None)], SERVER, sealer, {})


def test_another_master_key_does_not_open_it(sealer: Sealer, tmp_path: Path) -> None:
    stored = seal(HeaderInput("x-key", value="s3cret"), SERVER, sealer)
    second = tmp_path / "second"
    second.mkdir(mode=0o700)
    with pytest.raises(ToolgateError, match="master key"):
        open_headers([stored], SERVER, MasterKey.load(second).sealer(headers.PURPOSE), {})


def test_a_variable_is_read_when_headers_are_opened(sealer: Sealer) -> None:
    stored = seal(HeaderInput("x-key", variable="CRM_KEY"), SERVER, sealer)
    assert open_headers([stored], SERVER, sealer, {"CRM_KEY": "v\n"}) == [("x-key", "v")]
    with pytest.raises(ToolgateError, match="`CRM_KEY` is not set"):
        open_headers([stored], SERVER, sealer, {})


@pytest.mark.parametrize("value", ["", "a\r\nX-Other: b", "ü"])
def test_a_variable_that_cannot_be_a_header_is_an_error(sealer: Sealer, value: str) -> None:
    stored = seal(HeaderInput("x-key", variable="CRM_KEY"), SERVER, sealer)
    with pytest.raises(ToolgateError):
        open_headers([stored], SERVER, sealer, {"CRM_KEY": value})
