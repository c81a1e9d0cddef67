"""The loops of the control process: index the journal, store what the gateway saw, ask servers for their tools."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import time
from collections.abc import Coroutine, Iterable, Iterator
from pathlib import Path
from typing import Final

import msgspec
from sqlalchemy.engine import Engine

from toolgate.audit.index import Index
from toolgate.background import complain, repeating
from toolgate.control.configured import Configured
from toolgate.control.connecting.renewing import Renewing
from toolgate.control.discovering import tools_of
from toolgate.control.first_run import offer
from toolgate.control.front import Application, Front
from toolgate.control.inbox import announcing
from toolgate.control.inbox.announcing import Announcer
from toolgate.control.listening import listening
from toolgate.control.serving import Serving
from toolgate.control.state import State
from toolgate.control.status import Status
from toolgate.errors import ToolgateError
from toolgate.gateway.access import Sighting
from toolgate.gateway.hygiene import listener_hosts
from toolgate.gateway.unauthorized import Refusal
from toolgate.keys import MasterKey
from toolgate.settings import ControlSettings
from toolgate.store import definitions, judgements
from toolgate.store.changes import announce
from toolgate.store.database import latest_change, open_database
from toolgate.store.directory import database_file
from toolgate.store.gateway_file import write_control_url
from toolgate.store.keyholders import follow_files
from toolgate.store.view import ServerRow, View
from toolgate.upstream.discovery import Discovery

_INDEX_EVERY: Final = 0.5
_DISCOVER_EVERY: Final = 5.0
_REST_AT_MOST: Final = 600.0
_LOOK_EVERY: Final = 0.5
_RENEW_EVERY: Final = 2.0
_CONNECTIONS: Final = 8
"""To the database, kept open: more than that only while so many pages are asked for at once."""
_LINE_LIMIT: Final = 32 * 1024 * 1024
_ACTOR: Final = "gateway"


class ControlProcess:
    """Runs until standard input ends. Says `ready` on standard output once the database is there."""

    def __init__(self, settings: ControlSettings) -> None:
        self._settings = settings
        self._data = Path(settings.data)
        self._configured: Configured | None = None
        self._resting: dict[str, tuple[float, float]] = {}
        """Commands that told no tools: until when they are left alone, and for how long the next time."""

    async def run(self) -> None:
        """The whole life of the process; raises ToolgateError when it cannot begin."""
        settings = self._settings
        engine = open_database(self._data, kept=_CONNECTIONS)
        if settings.config is not None:
            self._configured = Configured(self._data, engine, Path(settings.config), prune=settings.prune)
            self._configured.start()
        master = MasterKey.load(self._data)
        holding = await follow_files(self._data, master)
        view = View.open(self._data)
        index = Index(database_file(self._data), self._data / "journal")
        listener = await listening(settings.host, settings.port)
        _say("ready")
        port = listener.getsockname()[1]
        url = settings.url or _url(settings, port)
        state = State(self._data, engine, master, msgspec.structs.replace(settings, url=url))
        serving = Serving(self._front(state, port), listener, settings)
        write_control_url(self._data, url)
        offer(engine, url)
        renewing = Renewing(engine, master, lambda: announce(self._data, latest_change(engine), timeout=1.0))
        tasks = [asyncio.create_task(step) for step in self._steps(engine, view, index)]
        tasks.append(asyncio.create_task(self._judge(engine)))
        tasks.append(asyncio.create_task(repeating(_RENEW_EVERY, renewing.step, first_after=_RENEW_EVERY)))
        announcer = Announcer(state)
        tasks.append(asyncio.create_task(repeating(announcing.EVERY, announcer.look, first_after=announcing.EVERY)))
        try:
            await self._listen(engine, renewing)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await renewing.close()
            await serving.close()
            await announcer.close()
            await holding.close()
            await self._index(index)
            index.close()
            view.close()
            state.catalogue.close()
            engine.dispose()

    def _front(self, state: State, port: int) -> Front:
        settings = self._settings

        def load() -> Application:
            # Imported here: it costs half a second and is needed only once somebody opens a page.
            from toolgate.control.application import build_application

            return build_application(state)

        hosts = listener_hosts(settings.host, port, settings.url, settings.allowed_hosts)
        return Front(Status(self._data, self._configured), hosts, load, secure=state.url.startswith("https:"))

    def _steps(self, engine: Engine, view: View, index: Index) -> Iterator[Coroutine[None, None, None]]:
        """What is done again and again beside the pages."""
        yield repeating(_INDEX_EVERY, lambda: self._index(index), first_after=0)
        yield repeating(_DISCOVER_EVERY, lambda: self._discover(engine, view), first_after=0)
        if self._configured is not None:
            yield repeating(_LOOK_EVERY, self._configured.look, first_after=_LOOK_EVERY)

    async def _listen(self, engine: Engine, renewing: Renewing) -> None:
        """What the gateway tells, one message a line, until it closes the pipe."""
        reader = asyncio.StreamReader(limit=_LINE_LIMIT)
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while line := await reader.readline():
            told = msgspec.json.decode(line, type=Sighting | Refusal)
            if isinstance(told, Refusal):
                renewing.refused(told)
            else:
                await self._store(engine, told.server, told.tools, complete=False)

    async def _store(
        self,
        engine: Engine,
        server: str,
        tools: Iterable[bytes],
        *,
        complete: bool,
        trusted: bool = False,
        revision: str | None = None,
    ) -> None:
        """In a thread: thousands of tools take a while to be judged."""

        def store() -> None:
            seen = [definitions.seen_of(bytes(tool)) for tool in tools]
            definitions.saw(
                engine,
                _ACTOR,
                server,
                seen,
                complete=complete,
                trusted=trusted,
                protocol_revision=revision,
                organisation=None,
            )

        try:
            await asyncio.to_thread(store)
        except ToolgateError as error:
            complain(f"definitions of {server} were not stored: {error}")
            return
        announce(self._data, latest_change(engine), timeout=1.0)

    async def _judge(self, engine: Engine) -> None:
        """Judge what an older release stored unjudged; without that, rules over categories deny it."""
        try:
            judged = await asyncio.to_thread(judgements.judge_known, engine, _ACTOR)
        except ToolgateError as error:
            complain(f"tools that nobody judged stay so until they are next seen: {error}")
            return
        if judged:
            announce(self._data, latest_change(engine), timeout=1.0)

    async def _index(self, index: Index) -> None:
        """Bring the database up to the journal, in small steps: others write to it too, and pages want an answer."""
        try:
            while await asyncio.to_thread(index.step):
                pass
        except sqlite3.OperationalError as error:
            complain(f"the index of the journal waits: {error}")

    async def _discover(self, engine: Engine, view: View) -> None:
        """Ask the servers whose tools nobody knows yet, and those that the configuration registers or moves."""
        view.refresh()
        due = self._configured.due if self._configured is not None else {}
        for row in view.servers():
            # A pinned server's tools are taken as registered only when they are there at once, as `server add` does.
            asked, trusted = row.id in due, due.pop(row.id, False)
            unknown = row.stopped is None and not view.definitions(row.id) and not self._put_off(row)
            found = await self._ask(row, view) if asked or unknown else None
            view.refresh()
            overtaken = not asked and bool(view.definitions(row.id))  # somebody else was told meanwhile, and later
            if found is not None and not overtaken:
                texts = [msgspec.json.encode(tool) for tool in found.tools]
                revision = found.protocol_revision
                await self._store(engine, row.id, texts, complete=True, trusted=trusted, revision=revision)

    def _put_off(self, row: ServerRow) -> bool:
        """Whether a command that told no tools waits for a later turn, for ever longer: to ask it is to start it."""
        if not row.command:
            return False
        now = time.monotonic()
        until, pause = self._resting.get(row.id, (now, _DISCOVER_EVERY))
        if now < until:
            return True
        self._resting[row.id] = (now + pause, min(2 * pause, _REST_AT_MOST))
        return False

    async def _ask(self, row: ServerRow, view: View) -> Discovery | None:
        try:
            return await tools_of(row, view.connections(row.id), MasterKey.load(self._data))
        except ToolgateError:
            return None  # not reachable yet: the registration said so, and the next round tries again


def _url(settings: ControlSettings, port: int) -> str:
    """Where people of this machine reach the listener."""
    scheme = "https" if settings.tls_certificate else "http"
    host = "127.0.0.1" if settings.host in {"0.0.0.0", "::"} else settings.host  # noqa: S104 - compared, not bound
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"


def _say(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()
