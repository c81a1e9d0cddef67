"""Every client at every behaviour, through a real gateway before a real server; docs/clients.md prints the result."""

import contextlib

import pytest

from .behaviours import BEHAVIOURS
from .clients import PEERS, Peer, missing
from .conftest import Scenes

LONG = {
    *(
        f"inspector-legacy-stdio-{name}"
        for name in ("change", "limit", "repeat", "call", "refused", "progress", "unknown")
    ),
    *(f"inspector-{era}-http-{name}" for era in ("auto", "legacy") for name in ("repeat", "change")),
    *(f"{client}-legacy-http-restart" for client in ("fastmcp3", "fastmcp4", "mcp-remote", "mcp1", "mcp2", "ts1")),
    *(f"fastmcp4-{era}-http-restart" for era in ("auto", "2026-07-28")),
}
"""For the night: each call of an inspector is a process of its own, and the day has restarts of other clients."""
OLDER = {"fastmcp3", "ts1", "mcp1"}
"""Clients whose next major version is tried as well: over stdio they are for the night."""


def is_long(peer: Peer, name: str) -> bool:
    return f"{peer}-{name}" in LONG or (peer.client.name in OLDER and peer.way == "stdio")


CELLS = [
    pytest.param(peer, name, id=f"{peer}-{name}", marks=[pytest.mark.nightly] if is_long(peer, name) else [])
    for peer in PEERS
    for name in BEHAVIOURS
    if not missing(peer, name)
]

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("peer", PEERS, ids=str)
def test_a_client_is_the_one_that_the_page_names(scenes: Scenes, peer: Peer) -> None:
    with scenes.of(peer) as scene:
        assert scene.client.client == f"{peer.client.package} {peer.client.version}"
        assert scene.client.revision in {peer.revision, None}


@pytest.mark.parametrize(("peer", "behaviour"), CELLS)
def test_a_client_behaves_as_the_page_says(scenes: Scenes, peer: Peer, behaviour: str) -> None:
    cannot = peer.cannot(behaviour)
    with contextlib.ExitStack() as stack:
        if cannot is not None:
            stack.enter_context(pytest.raises(AssertionError, match=cannot.shows))
        BEHAVIOURS[behaviour](stack.enter_context(scenes.of(peer)))
