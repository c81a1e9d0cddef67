"""The list of known servers: each entry can be registered as it stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from toolgate.catalogue.known import SERVERS, Known, known, search
from toolgate.store import headers
from toolgate.store.commands import parse_command
from toolgate.store.names import check_name, check_url
from toolgate.store.variables import check_variable


@pytest.mark.parametrize("server", SERVERS, ids=lambda server: server.id)
def test_every_known_server_can_be_registered_as_it_is_listed(server: Known) -> None:
    check_name("id", server.id)
    assert bool(server.url) != bool(server.command)
    if server.url:
        assert check_url("url", server.url, allow_private=False) == server.url
    else:
        assert parse_command("command", server.command, Path("/"))
    for variable in server.variables:
        check_variable("variable", variable)


@pytest.mark.parametrize("server", SERVERS, ids=lambda server: server.id)
def test_what_is_said_of_a_known_server_is_enough_to_sign_in(server: Known) -> None:
    if server.sign_in == "token":
        assert bool(server.header) != bool(server.variables)
    else:
        assert not server.header
        assert not server.variables
    if server.header:
        name, _, value = server.header.partition(": ")
        assert headers.check_header("header", name)
        assert value.endswith(">")
        assert "<" in value


def test_texts_of_known_servers_are_short_sentences() -> None:
    for server in SERVERS:
        for text in filter(None, (server.about, server.note)):
            assert text.endswith(".")
            assert text.isprintable()
            assert len(text) <= 140, text


def test_ids_and_addresses_are_listed_once() -> None:
    assert len({server.id for server in SERVERS}) == len(SERVERS)
    assert len({server.url or server.command for server in SERVERS}) == len(SERVERS)
    assert known("github") is not None
    assert known("no-such-server") is None


def test_a_search_finds_by_every_word_and_puts_names_first() -> None:
    assert [server.id for server in search("cloudflare docs")] == ["cloudflare-docs"]
    assert search("GIT")[0].title.lower().startswith("git")
    assert "stripe" in {server.id for server in search("refunds")}
    assert search("no such thing at all") == []
    assert len(search("  ")) == len(SERVERS)
