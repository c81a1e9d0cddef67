"""The composition root: settings become a running gateway. Nothing else constructs these parts."""

from __future__ import annotations

import asyncio
import fcntl
import gc
import os
import resource
import signal
import socket
import ssl
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

import msgspec
import uvloop

from toolgate.audit.journal import Journal
from toolgate.audit.summary import Denials, Refusals
from toolgate.background import complain, repeating
from toolgate.errors import ToolgateError
from toolgate.gateway import recounting
from toolgate.gateway.access import Access, Sighting
from toolgate.gateway.approvals import Approvals
from toolgate.gateway.captures import EVERY as CAPTURE_EVERY
from toolgate.gateway.captures import Captures
from toolgate.gateway.digests import Digests
from toolgate.gateway.enforcement import Enforcement
from toolgate.gateway.entrance import Entrance
from toolgate.gateway.events import EventRelay
from toolgate.gateway.failures import Failures
from toolgate.gateway.forwarding import Forwarding
from toolgate.gateway.http import Endpoint
from toolgate.gateway.hygiene import Screening, listener_hosts
from toolgate.gateway.inspection import Inspector
from toolgate.gateway.journalled import JournalledIds
from toolgate.gateway.seals import Seals
from toolgate.gateway.sessions import Sessions
from toolgate.gateway.stopped import UnderWay
from toolgate.gateway.streams import Streams
from toolgate.gateway.tasks import Tasks
from toolgate.gateway.unauthorized import Refusal, Unauthorized
from toolgate.gateway.view import GatewayView
from toolgate.keys import MasterKey
from toolgate.limits.counters import Counters
from toolgate.limits.memory import MemoryCounters
from toolgate.limits.sqlite import SqliteCounters, process_alive
from toolgate.settings import ControlSettings, Settings
from toolgate.store import access_tokens, headers
from toolgate.store.approvals import SEAL, ApprovalStore
from toolgate.store.captures import SEAL as CAPTURE
from toolgate.store.changes import listen
from toolgate.store.directory import prepare_directory
from toolgate.store.keyholders import follow_files
from toolgate.store.view import View
from toolgate.wire.server import Listener
from toolgate.wire.server import serve as serve_http

_REFRESH_EVERY: Final = 1.0
_SUMS_EVERY: Final = 10.0
_SNAPSHOT_EVERY: Final = 60.0
_GRACE: Final = 5.0
_CONTROL_START: Final = 30.0


def serve(settings: Settings) -> int:
    """Run the gateway until SIGTERM or SIGINT; returns the exit status. Raises ToolgateError when it cannot begin."""
    os.umask(0o077)
    prepare_directory(settings.data)
    _allow_connections()
    with _sole(settings):
        _tune_collector()
        return uvloop.run(_serve(settings))


def _tune_collector() -> None:
    """Keep collections short: nearly all of a call is freed by its count, and full ones held calls up to 30 ms.

    Everything that was loaded so far is left out of them for good.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 100)


def _allow_connections() -> None:
    """Every open stream holds two descriptors, and the usual soft limit of 1,024 ends at 500 streams."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # some systems have no number for "unlimited"; then the soft limit stays
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


@contextmanager
def _sole(settings: Settings) -> Iterator[None]:
    """Counters in memory are exact for one process only: a second one on the same directory is refused."""
    path = settings.data / "serve.lock"
    with open(path, "w", opener=lambda name, flags: os.open(name, flags, 0o600)) as lock:
        shared = settings.counters == "sqlite"
        try:
            fcntl.flock(lock, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except OSError:
            raise ToolgateError(
                str(settings.data),
                "another gateway runs on this data directory",
                "end it, or start both with --counters sqlite",
            ) from None
        yield


async def _serve(settings: Settings) -> int:
    async with AsyncExitStack() as stack:
        control = await _start_control(settings)
        stack.push_async_callback(_end_control, control)
        gateway = Gateway(settings, control)
        await gateway.open(stack)
        stop = _stop_on_signals()
        complain(f"listening on {gateway.url}")
        return await _until(stop, control)


def _stop_on_signals() -> asyncio.Event:
    """Set by SIGINT and SIGTERM; made before the log says that the gateway listens, as who reads that may send one."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    return stop


async def _until(stop: asyncio.Event, control: asyncio.subprocess.Process) -> int:
    """0 for a signal; 1 when the control process died, because nobody would index the journal any more."""
    waiting = [asyncio.create_task(stop.wait()), asyncio.create_task(control.wait())]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()
    if control.returncode is not None and not stop.is_set():
        complain("the control process ended, so the gateway does too")
        return 1
    return 0


async def _start_control(settings: Settings) -> asyncio.subprocess.Process:
    """Start the control process and wait until the database is migrated."""
    command = [sys.executable, "-m", "toolgate.control", msgspec.json.encode(_control_settings(settings)).decode()]
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    line = await asyncio.wait_for(process.stdout.readline(), _CONTROL_START)
    if line.strip() != b"ready":
        await process.wait()
        raise ToolgateError(str(settings.data), "the control process could not start", "its reason stands above")
    return process


def _control_settings(settings: Settings) -> ControlSettings:
    """What the control process has to know of the command line."""
    return ControlSettings(
        data=str(settings.data.absolute()),
        host=settings.control_host,
        port=settings.control_port,
        url=settings.control_url,
        allowed_hosts=settings.allowed_hosts,
        tls_certificate=_absolute(settings.tls_certificate),
        tls_key=_absolute(settings.tls_key),
        config=_absolute(settings.config),
        prune=settings.prune,
        allow_command_servers=settings.allow_command_servers,
        allow_self_approval=settings.allow_self_approval,
        public_catalogue=settings.public_catalogue,
        oidc_issuer=settings.oidc_issuer,
        oidc_client_id=settings.oidc_client_id,
        oidc_secret_file=_absolute(settings.oidc_secret_file),
        oidc_roles=settings.oidc_roles,
    )


def _absolute(path: Path | None) -> str | None:
    return None if path is None else str(path.absolute())


async def _end_control(process: asyncio.subprocess.Process) -> None:
    """Close its input, which is its sign to index what is left and go."""
    assert process.stdin is not None
    process.stdin.close()
    try:
        await asyncio.wait_for(process.wait(), _GRACE)
    except TimeoutError:
        process.kill()
        await process.wait()


class Gateway:
    """The parts of one gateway process."""

    def __init__(self, settings: Settings, control: asyncio.subprocess.Process) -> None:
        self._settings = settings
        self._control = control
        self._listener: Listener | None = None
        self._approvals: Approvals | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._denials = Denials()
        self._refusals = Refusals()
        self._streams = Streams()
        self._under_way = UnderWay()
        self._screening = Screening(self._hosts(settings.port), settings.allowed_origins)

    def _hosts(self, port: int) -> list[str]:
        settings = self._settings
        return listener_hosts(settings.host, port, settings.public_url, settings.allowed_hosts)

    @property
    def url(self) -> str:
        """Where clients reach this gateway, without a final slash."""
        assert self._listener is not None
        settings = self._settings
        if settings.public_url:
            return settings.public_url.rstrip("/")
        scheme = "https" if settings.tls_certificate else "http"
        host = "127.0.0.1" if settings.host in {"0.0.0.0", "::"} else settings.host  # noqa: S104 - compared, not bound
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{self._listener.port}"

    async def open(self, stack: AsyncExitStack) -> None:
        """Build everything, from the journal to the listener; `stack` ends it in the opposite order."""
        settings, data = self._settings, self._settings.data
        master = MasterKey.load(data)
        journal = Journal.open(data / "journal", master.signer(), socket.gethostname(), settings.fsync, master.id)
        stack.push_async_callback(journal.close)
        master.follow(lambda: journal.sign_with(master.signer(), master.id))
        stack.push_async_callback((await follow_files(data, master)).close)
        counters = await self._open_counters(stack)
        view = GatewayView(
            View.open(data),
            master.sealer(headers.PURPOSE),
            master.sealer(access_tokens.PURPOSE),
            settings.max_staleness,
            ended=self._streams.end,
            changed=self._streams.tell,
            stopped=self._under_way.stop,
        )
        stack.push_async_callback(view.close)
        endpoint = self._endpoint(master, journal, counters, view, stack)
        self._background(stack, view, journal, counters)
        await self._listen(stack, endpoint, view)

    async def _open_counters(self, stack: AsyncExitStack) -> Counters:
        data = self._settings.data
        if self._settings.counters == "sqlite":
            shared = SqliteCounters(data / "counters.db")
            stack.push_async_callback(shared.close)
            journalled = JournalledIds(data / "journal")
            await shared.recover(process_alive, journalled.__contains__)
            return shared
        counters = MemoryCounters()
        recounting.rebuild(counters, data)
        stack.callback(recounting.save, counters, data)
        return counters

    def _endpoint(
        self, master: MasterKey, journal: Journal, counters: Counters, view: GatewayView, stack: AsyncExitStack
    ) -> Endpoint:
        settings = self._settings
        digests, seals = Digests(master), Seals(master)
        tasks = Tasks(settings.data / "tasks.db")
        stack.callback(tasks.close)
        approvals = self._approvals = Approvals(
            ApprovalStore(settings.data),
            master.sealer(SEAL),
            digests,
            wait=settings.approval_wait,
            standing=view.standing,
        )
        stack.callback(approvals.close)
        captures = Captures(settings.data, master.sealer(CAPTURE))
        stack.push_async_callback(captures.store)
        self._repeat(CAPTURE_EVERY, captures.store)
        enforcement = Enforcement(counters, journal, digests, self._denials, approvals, captures=captures)
        sessions = Sessions(seals, digests)
        inspector = Inspector(seals, tasks, self._learned)
        relay = EventRelay(inspector, enforcement, sessions, self._streams, event_limit=settings.answer_limit)
        forwarding = Forwarding(
            inspector,
            enforcement,
            sessions,
            relay,
            Unauthorized(self._tell_control),
            self._under_way,
            timeout=settings.upstream_timeout,
            answer_limit=settings.answer_limit,
        )
        return Endpoint(
            self._screening,
            view,
            enforcement,
            forwarding,
            seals,
            sessions,
            tasks,
            self._entrance(view),
            settings=settings,
        )

    def _entrance(self, view: GatewayView) -> Entrance:
        """What takes requests without a grant's token: with authorization servers, their tokens, too."""
        failures, settings = Failures(self._refusals), self._settings
        if not settings.oauth_issuers:
            return Entrance(failures)
        # Imported here: the library for JWTs takes a tenth of a second to load, and static tokens need none of it.
        from toolgate.gateway.oauth.entrance import LOOK_EVERY, OAuthEntrance

        entrance = OAuthEntrance(settings, failures, view, self._streams, lambda: self.url)
        self._repeat(LOOK_EVERY, entrance.keep_keys, first_after=0.0)
        return entrance

    def _learned(self, access: Access, listed: list[tuple[str, bytes]]) -> None:
        """Definitions in an answer: taken note of at once, stored by the control process."""
        news = access.tools.learn(listed)
        if news:
            self._tell_control(Sighting(access.server_id, [msgspec.Raw(text) for text in news]))

    def _tell_control(self, message: Refusal | Sighting) -> None:
        if self._control.stdin is not None:
            self._control.stdin.write(msgspec.json.encode(message) + b"\n")

    async def _listen(self, stack: AsyncExitStack, endpoint: Endpoint, view: GatewayView) -> None:
        settings = self._settings

        async def woken(_seq: int) -> int:
            await view.refresh()
            return view.seq

        waking = await listen(settings.data, woken)
        stack.push_async_callback(waking.close)
        await view.refresh()
        try:
            self._listener = await serve_http(endpoint, settings.host, settings.port, tls=_tls(settings))
        except OSError as error:
            place = f"{settings.host}:{settings.port}"
            raise ToolgateError(place, f"cannot be listened on: {error.strerror}", "choose another --port") from None
        self._screening.also(self._hosts(self._listener.port))
        stack.push_async_callback(self._listener.close, _GRACE)
        assert self._approvals is not None
        stack.callback(self._approvals.end_waiting)  # held calls are answered before the listener waits for the others
        (settings.data / "gateway.json").write_bytes(msgspec.json.encode({"url": self.url, "pid": os.getpid()}))

    def _background(self, stack: AsyncExitStack, view: GatewayView, journal: Journal, counters: Counters) -> None:
        async def refresh() -> None:
            await view.refresh()
            view.expire()

        async def summarise() -> None:
            now = time.time()
            for entry in (*self._denials.sums(now), *self._refusals.rows(now)):
                journal.append(entry)

        async def snapshot() -> None:
            if isinstance(counters, MemoryCounters):
                recounting.save_if_small(counters, self._settings.data)

        stack.push_async_callback(summarise)
        self._repeat(_REFRESH_EVERY, refresh)
        self._repeat(_SUMS_EVERY, summarise)
        self._repeat(_SNAPSHOT_EVERY, snapshot)
        stack.push_async_callback(self._stop)

    def _repeat(self, seconds: float, step: Callable[[], Awaitable[None]], first_after: float | None = None) -> None:
        first = seconds if first_after is None else first_after
        self._tasks.add(asyncio.create_task(repeating(seconds, step, first_after=first)))

    async def _stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _tls(settings: Settings) -> ssl.SSLContext | None:
    if settings.tls_certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(settings.tls_certificate, settings.tls_key)
        if settings.tls_client_ca is not None:
            context.load_verify_locations(settings.tls_client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
    except (OSError, ssl.SSLError) as error:
        raise ToolgateError(str(settings.tls_certificate), f"the TLS files cannot be read: {error}") from None
    return context
