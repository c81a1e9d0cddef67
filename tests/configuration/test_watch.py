"""A watched configuration: applied when it rests in another state, and never half."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.configuration.conftest import House, changed

from toolgate.configuration.apply import Options
from toolgate.configuration.problems import ConfigurationError
from toolgate.configuration.watch import RETRY_AFTER, Watch
from toolgate.errors import ToolgateError
from toolgate.store import policies, servers

ALLOW = '{"version": "1", "default": "allow"}'
DENY = '{"version": "1", "default": "deny"}'


def write(file: Path, text: str) -> None:
    """Another content under another time, however coarse the clock of the file system is."""
    before = file.stat().st_mtime_ns if file.exists() else 0
    file.write_text(text)
    os.utime(file, ns=(before + 10**9, before + 10**9))


@pytest.fixture
def watch(house: House) -> Watch:
    """A watch over a configuration with one policy in a file, applied and at rest."""
    write(house.directory / "p.json", DENY)
    write(house.file, "version: '1'\npolicies: {p: {file: p.json}}\n")
    made = Watch(house.data, house.engine, house.file, Options())
    assert changed(made.apply()) == ["+ policy p"]
    settle(made)
    return made


def settle(watch: Watch) -> None:
    """Look until there is nothing more to do."""
    for _ in range(4):
        watch.look()
    assert watch.look() is None


def test_nothing_is_applied_while_nothing_changes(house: House, watch: Watch) -> None:
    before = house.content()
    assert [watch.look() for _ in range(3 * RETRY_AFTER)] == [None] * (3 * RETRY_AFTER)
    assert house.content() == before


def test_a_change_is_applied_once_it_rests(house: House, watch: Watch) -> None:
    write(house.directory / "p.json", ALLOW)
    assert watch.look() is None
    write(house.directory / "p.json", f"{ALLOW}\n")
    assert watch.look() is None
    plan = watch.look()
    assert plan is not None
    assert changed(plan) == ["~ policy p: revision 1 -> 2"]
    assert policies.get(house.engine, "p").document == f"{ALLOW}\n"
    settle(watch)


def test_a_file_that_is_named_from_now_on_is_watched_too(house: House, watch: Watch) -> None:
    write(house.directory / "q.json", DENY)
    write(house.file, "version: '1'\npolicies: {p: {file: p.json}, q: {file: q.json}}\n")
    settle(watch)
    write(house.directory / "q.json", ALLOW)
    settle(watch)
    assert policies.get(house.engine, "q").document == ALLOW


def test_a_bad_change_is_said_once_and_changes_nothing(house: House, watch: Watch) -> None:
    before = house.content()
    write(house.directory / "p.json", "{")
    assert watch.look() is None
    with pytest.raises(ConfigurationError):
        watch.look()
    assert isinstance(watch.error, ConfigurationError)
    assert [watch.look() for _ in range(RETRY_AFTER - 1)] == [None] * (RETRY_AFTER - 1)
    assert house.content() == before
    with pytest.raises(ConfigurationError):
        watch.look()
    write(house.directory / "p.json", ALLOW)
    settle(watch)
    assert watch.error is None
    assert policies.get(house.engine, "p").document == ALLOW


def test_a_file_that_is_gone_changes_nothing_and_is_taken_when_it_is_back(house: House, watch: Watch) -> None:
    before = house.content()
    house.file.unlink()
    assert watch.look() is None
    with pytest.raises(ToolgateError):
        watch.look()
    assert house.content() == before
    write(house.file, "version: '1'\nservers: {s: {url: 'https://s.example/'}}\n")
    settle(watch)
    assert [server.name for server in servers.every(house.engine)] == ["s"]


def test_a_bad_plan_is_tried_again_when_its_reason_may_be_gone(house: House, watch: Watch) -> None:
    grant = "grants: {g: {server: s, policy: p, token_file: later/g.token}}\n"
    write(
        house.file,
        f"version: '1'\nservers: {{s: {{url: 'https://s.example/'}}}}\npolicies: {{p: {{file: p.json}}}}\n{grant}",
    )
    watch.look()
    with pytest.raises(ConfigurationError, match="cannot be used"):
        watch.look()
    (house.directory / "later").mkdir(mode=0o700)
    for _ in range(RETRY_AFTER + 1):
        watch.look()
    assert watch.error is None
    assert (house.directory / "later" / "g.token").exists()


def test_a_touched_file_makes_no_new_revision(house: House, watch: Watch) -> None:
    write(house.directory / "p.json", DENY)
    before = house.content()
    settle(watch)
    assert house.content() == before
