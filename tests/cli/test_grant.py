from __future__ import annotations

import asyncio
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.cli.conftest import Toolgate

from toolgate.keys import token_checks, token_digest
from toolgate.store.changes import Listening, listen
from toolgate.store.view import View


@pytest.fixture
def gate(toolgate: Toolgate, policy_file: Path) -> Toolgate:
    """With a server and a policy."""
    toolgate("server", "add", "cargo", "--url", "http://127.0.0.1:9/mcp")
    toolgate("policy", "add", "careful", str(policy_file))
    return toolgate


def add(gate: Toolgate, *more: str) -> dict[str, str]:
    made = gate("grant", "add", "--server", "cargo", "--policy", "careful", "--label", "ci", *more, "--json").json
    assert isinstance(made, dict)
    return made


@contextmanager
def running_gateway(data: Path, *, stuck: bool = False) -> Iterator[View]:
    """What a gateway does about changes, on a loop of its own: its view follows each of them, unless it is stuck."""
    loop = asyncio.new_event_loop()

    async def start() -> tuple[View, Listening]:
        view = View.open(data)

        async def woken(_seq: int) -> int:
            if not stuck:
                view.refresh()
            return view.seq

        return view, await listen(data, woken)

    async def stop() -> None:
        await listening.close()
        view.close()

    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    view, listening = asyncio.run_coroutine_threadsafe(start(), loop).result()
    try:
        yield view
    finally:
        asyncio.run_coroutine_threadsafe(stop(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def test_a_grant_comes_with_its_token_once(gate: Toolgate) -> None:
    made = add(gate, "--principal", "ada", "--labels", "tenant=acme", "--labels", "team=a=b", "--expires", "30d")
    assert token_checks(made["token"])
    assert made["proxy_url"] == f"http://127.0.0.1:8484/mcp/{made['server_id']}/"
    listed = gate("grant", "list", "--json")
    assert made["token"] not in listed.out
    [grant] = listed.json
    assert grant == {key: value for key, value in made.items() if key not in ("token", "proxy_url")}
    assert (grant["principal"], grant["labels"]) == ("ada", {"tenant": "acme", "team": "a=b"})
    assert grant["expires"].endswith("Z")


def test_people_get_the_configuration_of_a_client_to_paste(gate: Toolgate) -> None:
    done = gate("grant", "add", "--server", "cargo", "--policy", "careful", "--label", "ci")
    pasted = json.loads(done.out[done.out.index("{") :])
    entry = pasted["mcpServers"]["cargo"]
    assert entry["url"].startswith("http://127.0.0.1:8484/mcp/")
    assert token_checks(entry["headers"]["Authorization"].removeprefix("Bearer "))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--labels", "tenant"], "error: --labels: `tenant` is not of the form K=V"),
        (["--labels", "a=1", "--labels", "a=2"], "`a=2` is given twice"),
        (["--labels", "a b=1"], "`a b` is not a label key"),
        (["--expires", "soon"], "error: --expires: `soon` is not a moment to come"),
        (["--expires", "2001-01-01"], "error: --expires: lies in the past"),
        (["--expires", "0d"], "error: --expires"),
        (["--expires", "999999999w"], "error: --expires"),
        (["--principal", "a\nb"], "error: --principal"),
        (["--policy", "nothing"], "there is no policy `nothing`"),
        (["--server", "nowhere"], "there is no server `nowhere`"),
        (["--label", ""], "error: --label"),
    ],
)
def test_bad_input_is_named_and_makes_no_grant(gate: Toolgate, options: list[str], said: str) -> None:
    given = ["--server", "cargo", "--policy", "careful", "--label", "ci", *options]
    assert said in gate("grant", "add", *given, code=2).err
    assert gate("grant", "list", "--json").json == []


def test_a_grant_without_a_policy_says_what_that_means(gate: Toolgate) -> None:
    done = gate("grant", "add", "--server", "cargo", "--label", "ci")
    assert "no policy: every call is denied" in done.out


def test_the_table_of_grants_fits_80_columns(gate: Toolgate) -> None:
    add(gate, "--expires", "2999-01-01")
    lines = gate("grant", "list").out.splitlines()
    assert lines[0].split() == ["ID", "LABEL", "SERVER", "POLICY", "STATE", "EXPIRES"]
    assert max(map(len, lines)) <= 80
    assert gate("grant", "list", "--server", "cargo").out.splitlines() == lines
    assert "no server `x`" in gate("grant", "list", "--server", "x", code=2).err


def test_rotating_shows_another_token(gate: Toolgate) -> None:
    made = add(gate)
    rotated = gate("grant", "rotate", "ci", "--json").json
    assert rotated["id"] == made["id"]
    assert rotated["token"] != made["token"]
    assert token_checks(rotated["token"])


def test_revoking_and_attaching(gate: Toolgate, policy_file: Path) -> None:
    made = add(gate)
    gate("policy", "add", "strict", str(policy_file))
    assert "ci is under strict now" in gate("grant", "attach", "ci", "--policy", "strict").out
    assert gate("grant", "attach", "ci", "--policy", "careful", "--json").json["policy"] == "careful"
    assert gate("grant", "revoke", made["id"][:8], "--json").json["state"] == "revoked"
    assert "revoked ci" in gate("grant", "revoke", "ci").out
    assert "is revoked" in gate("grant", "rotate", "ci", code=2).err
    assert "there is no grant `other`" in gate("grant", "revoke", "other", code=2).err


def test_revoke_returns_when_the_running_gateway_knows(gate: Toolgate, data: Path) -> None:
    made = add(gate)
    with running_gateway(data) as view:
        assert view.grant(token_digest(made["token"])) is not None
        assert gate("grant", "revoke", "ci").err == ""
        assert view.grant(token_digest(made["token"])) is None


def test_a_gateway_that_does_not_confirm_is_named_and_the_change_is_stored(gate: Toolgate, data: Path) -> None:
    add(gate)
    with running_gateway(data, stuck=True):
        done = gate("grant", "revoke", "ci", "--wait", "5", "--json", code=3)
    assert done.json["state"] == "revoked"
    assert f"the gateway process {os.getpid()} did not confirm it" in done.err


def test_the_token_stands_in_no_file(gate: Toolgate, data: Path) -> None:
    token = add(gate)["token"].encode()
    for file in data.rglob("*"):
        if file.is_file():
            assert token not in file.read_bytes()


def test_a_grant_is_stopped_with_a_reason_and_resumed(gate: Toolgate) -> None:
    made = add(gate)
    done = gate("grant", "stop", made["id"][:8], "--reason", "Look at it first.", "--json").json
    assert (done["state"], done["stopped"]["reason"]) == ("stopped", "Look at it first.")
    assert done["stopped"]["by"].startswith("cli")
    assert "stopped" in gate("grant", "list").out.splitlines()[1].split()
    assert gate("grant", "resume", "ci").out == "ci goes on\n"
    assert gate("grant", "list", "--json").json[0]["state"] == "active"
    assert gate("grant", "stop", "ci").out == "stopped ci\n"
    assert "error: --reason: " in gate("grant", "stop", "ci", "--reason", "a\nb", code=2).err
    assert "there is no grant `other`" in gate("grant", "stop", "other", code=2).err


def test_stopping_returns_when_the_gateway_acts_on_it_and_says_when_one_does_not(gate: Toolgate, data: Path) -> None:
    made = add(gate)
    with running_gateway(data) as view:
        gate("grant", "stop", "ci", "--reason", "why")
        row = view.grant_by_id(made["id"])
        assert row is not None
        assert row.stopped == "why"
        gate("server", "stop", "cargo")
        server = view.server(made["server_id"])
        assert server is not None
        assert server.stopped == ""
    with running_gateway(data, stuck=True):
        assert "gateway" in gate("grant", "resume", "ci", "--wait", "0.1", code=3).err
    assert gate("grant", "list", "--json").json[0]["state"] == "active"
