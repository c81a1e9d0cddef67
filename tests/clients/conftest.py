from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from .behaviours import Scene
from .clients import Peer
from .driving import driver
from .gate import Gate, gate


@pytest.fixture(scope="session")
def one_gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    with gate(tmp_path_factory.mktemp("clients")) as made:
        yield made


class Scenes:
    """The scene of the client that was tried last, kept for its next behaviour: one client runs at a time."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._running = ExitStack()
        self._last: Scene | None = None

    @contextmanager
    def of(self, peer: Peer) -> Iterator[Scene]:
        """The scene of `peer`; a client that failed the block is not used again."""
        last = self._last
        scene = last if last and last.peer == peer and not last.spent else self._open(peer)
        try:
            yield scene
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._last = None
        self._running.close()

    def _open(self, peer: Peer) -> Scene:
        self.close()
        need(peer)
        access = self._gate.access(peer)
        self._last = Scene(peer, self._gate, access, self._running.enter_context(driver(peer, access.words)))
        return self._last


@pytest.fixture(scope="session")
def scenes(one_gate: Gate) -> Iterator[Scenes]:
    with closing(Scenes(one_gate)) as made:
        yield made


def need(peer: Peer) -> None:
    """Skip where the client is not installed, except where everything must be."""
    missing = [each for each in (peer.client.environment, Path(peer.client.program[0])) if not each.exists()]
    if missing:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"needs {missing[0]}: `make clients`")
