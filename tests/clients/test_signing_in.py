"""mcp-remote and the inspector can sign in by OAuth, in a browser. A gateway has no sign-in, and no browser opens."""

import subprocess
from pathlib import Path

import pytest

from .behaviours import eventually
from .clients import CLIENTS, NODE, Peer
from .conftest import need
from .driving import Raised, driver
from .gate import Gate

OPENS_ONE = "import('open').then(({ default: open }) => open('http://127.0.0.1:9/'))"

pytestmark = pytest.mark.slow

with_each = pytest.mark.parametrize(
    "peer", [Peer(client, "auto", "http") for client in CLIENTS if client.name in {"mcp-remote", "inspector"}], ids=str
)


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that a browser leaves behind when one is opened."""
    browser, file = tmp_path / "browser", tmp_path / "opened"
    browser.write_text(f'#!/bin/sh\necho "$1" >>"{file}"\n')
    browser.chmod(0o755)
    monkeypatch.setenv("BROWSER", str(browser))
    return file


@with_each
def test_a_client_opens_the_browser_that_these_tests_watch(opened: Path, peer: Peer) -> None:
    need(peer)
    subprocess.run([NODE, "-e", OPENS_ONE], cwd=peer.client.environment, check=True, timeout=30)
    eventually(opened.exists)


@with_each
def test_no_browser_opens_for_a_client_with_its_token(one_gate: Gate, opened: Path, peer: Peer) -> None:
    need(peer)
    with driver(peer, one_gate.access(peer).words) as client:
        assert client.call("echo", text="signed in by nothing but a header")["text"].startswith("signed in")
    assert not opened.exists()


@with_each
def test_no_browser_opens_for_a_token_that_is_refused(one_gate: Gate, opened: Path, peer: Peer) -> None:
    need(peer)
    way, url, _ = one_gate.access(peer).words
    with (
        pytest.raises(Raised, match=r"Registration rejected|Connection closed"),
        driver(peer, [way, url, "tg_x"]) as client,
    ):
        client.tools()
    assert not opened.exists()
