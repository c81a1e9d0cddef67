"""Where cases are played: a real gateway process on a data directory of its own, and the stubs' loopback port."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final

import httpx2
import msgspec
from sqlalchemy.engine import Engine

from toolgate.attacks.agent import loopback
from toolgate.attacks.host import Host
from toolgate.audit.reader import Position, ends, entries
from toolgate.audit.records import AnyEntry, read_line
from toolgate.demo.children import child
from toolgate.errors import ToolgateError
from toolgate.store import definitions, grants, policies, servers
from toolgate.store.changes import announce
from toolgate.store.database import latest_change, open_database, together
from toolgate.store.directory import prepare_directory
from toolgate.store.gateway_file import DEFAULT_CONTROL_URL, control_url
from toolgate.store.grants import Minted

ACTOR: Final = "attack"
PROGRAM: Final = (sys.executable, "-m", "toolgate")
_PATIENCE: Final = 10.0
_WAKING: Final = 30.0
"""Seconds for the control plane to load its pages: its process is niced, and may have to wait on a busy machine."""
_OPTIONS: Final = ("--port", "0", "--control-port", "0", "--approval-wait", "0")
"""Calls that need a person are answered at once: here nobody decides unless a case does."""


class Stage:
    """One gateway and one host for as many cases as are played. Made by `open_stage`."""

    def __init__(
        self, data: Path, folder: Path, address: str, host: Host, engine: Engine, waking: asyncio.Task[None]
    ) -> None:
        self.data = data
        self.folder = folder
        self.address = address
        """The gateway's URL without a path."""
        self.host = host
        self.engine = engine
        self._waking = waking
        self._made = 0

    def fresh(self) -> str:
        """A name that nothing on this stage has."""
        self._made += 1
        return f"run-{self._made}"

    async def awake(self) -> None:
        """Return when the control plane has loaded its pages, or has had time enough to."""
        await self._waking

    def settle(self) -> None:
        """Return when the gateway acts on everything that was written. Raises ToolgateError when it does not."""
        if not announce(self.data, latest_change(self.engine), _PATIENCE).complete:
            raise ToolgateError("the gateway", f"did not take up a change within {_PATIENCE:.0f} seconds")

    def register(self, name: str, url: str, tools: Sequence[dict[str, Any]], *, pin: bool = False) -> str:
        """Register a server with the tools that it lists now, as an operator does who looks at it; returns its id."""
        seen = [definitions.seen_of(msgspec.json.encode(tool)) for tool in tools]
        # In one transaction: a server whose tools nobody knows is asked for them, and a stub would count that.
        with together(self.engine, ACTOR):
            server = servers.add(self.engine, ACTOR, name, url, pin=pin)
            definitions.saw(self.engine, ACTOR, server.id, seen, trusted=True)
        return server.id

    def grant(self, server_id: str, name: str, document: str, labels: dict[str, str]) -> Minted:
        """Store a policy and make a grant under it."""
        policy = policies.put(self.engine, ACTOR, name, document)
        return grants.add(self.engine, ACTOR, server=server_id, policy=policy.name, label=name, labels=labels)

    def position(self) -> dict[str, Position]:
        """Where the journal ends now."""
        return ends(self.data / "journal")

    def recorded(self, since: dict[str, Position]) -> list[AnyEntry]:
        """What was written to the journal since then."""
        return [read_line(located.line) for located in entries(self.data / "journal", since)]


@asynccontextmanager
async def open_stage(program: Sequence[str] = PROGRAM, options: Sequence[str] = ()) -> AsyncIterator[Stage]:
    """Start a gateway and a host in a temporary folder; both are gone after the block. Raises ToolgateError."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="toolgate-attack-")))
        data = folder / "data"
        prepare_directory(data)
        words = [*program, "serve", "--data", str(data), *_OPTIONS, *options]
        running = child(words, folder / "gateway.log", r"listening on (http://\S+)")
        address = await asyncio.to_thread(running.__enter__)
        stack.push_async_callback(asyncio.to_thread, running.__exit__, None, None, None)
        host = await stack.enter_async_context(Host())
        engine = open_database(data)
        stack.callback(engine.dispose)
        waking = asyncio.create_task(_wake_control(data))
        stack.callback(waking.cancel)
        yield Stage(data, folder, address, host, engine, waking)


async def control_plane(data: Path) -> str:
    """The URL of the control plane. Its process starts beside the gateway, and says by a file where it listens."""
    while (url := control_url(data)) == DEFAULT_CONTROL_URL:  # noqa: ASYNC110 - another process writes the file
        await asyncio.sleep(0.05)
    return url


async def _wake_control(data: Path) -> None:
    """Ask for a page: the control plane loads them when the first is asked for, which is not the time of a case."""
    with suppress(httpx2.HTTPError, TimeoutError):  # a case that needs it tells more
        async with asyncio.timeout(_WAKING), loopback(_WAKING) as http:
            await http.get(f"{await control_plane(data)}/sign-in")


def allow_all() -> str:
    """The policy of a server of which the case says nothing."""
    return json.dumps({"version": "1", "default": "allow"})
