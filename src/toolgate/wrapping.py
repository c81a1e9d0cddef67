"""The composition root of `toolgate run`: one policy file, one client at our own input and output, one server."""

from __future__ import annotations

import asyncio
import os
import shlex
import socket
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import uvloop

from toolgate.audit.journal import Journal
from toolgate.audit.summary import Denials
from toolgate.background import complain, repeating
from toolgate.gateway.access import Access
from toolgate.gateway.approvals import Approvals
from toolgate.gateway.digests import Digests
from toolgate.gateway.enforcement import Enforcement
from toolgate.gateway.inspection import Inspector
from toolgate.gateway.journalled import JournalledIds
from toolgate.gateway.policies import InForce
from toolgate.gateway.seals import Seals
from toolgate.gateway.stdio import Conversation
from toolgate.gateway.stdio_access import implicit_access
from toolgate.gateway.stdio_client import Client
from toolgate.gateway.stdio_judging import Judging
from toolgate.gateway.stdio_passing import Inbox, Peer, carry
from toolgate.gateway.stdio_policy import PolicyFile
from toolgate.gateway.tasks import Tasks
from toolgate.keys import MasterKey
from toolgate.limits.sqlite import SqliteCounters, process_alive
from toolgate.store.approvals import SEAL, ApprovalStore
from toolgate.store.directory import prepare_directory
from toolgate.store.judged_tools import FILE, JudgedTools
from toolgate.store.keyholders import follow_files
from toolgate.upstream.child import Child

LINE_LIMIT: Final = 16 * 1024 * 1024
"""Bytes of one message of a client."""
_LOOK_EVERY: Final = 0.5
_SUMS_EVERY: Final = 10.0


@dataclass(slots=True, frozen=True)
class Wrapping:
    """What `toolgate run` was started with. `approval_wait` is in seconds; `grant` "" takes the default name.

    The server is either a `command` or behind the `url`, to which `headers` are sent.
    """

    policy: Path
    data: Path
    command: tuple[str, ...] = ()
    url: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    allow_private: bool = False
    grant: str = ""
    policy_digest: str = ""
    approval_wait: float = 45.0


def forget(wrapping: Wrapping) -> int:
    """Have the server's tools judged anew at the next start; returns how many were judged. Raises ToolgateError."""
    prepare_directory(wrapping.data)
    with closing(JudgedTools(wrapping.data / FILE)) as judged:
        return judged.forget(_access(wrapping, PolicyFile(wrapping.policy, wrapping.policy_digest).load()).server_id)


def wrap(wrapping: Wrapping) -> int:
    """Run until the client or the server ends; returns the exit status. Raises ToolgateError when it cannot begin."""
    os.umask(0o077)
    policy = PolicyFile(wrapping.policy, wrapping.policy_digest)
    in_force = policy.load()
    prepare_directory(wrapping.data)
    return uvloop.run(_wrap(wrapping, policy, in_force))


async def _wrap(wrapping: Wrapping, policy: PolicyFile, in_force: InForce) -> int:
    """The server is started first: it needs longer to be ready than everything here."""
    inbox = Inbox()
    access = _access(wrapping, in_force)
    server = inbox.server = await _server(wrapping, access, inbox)
    try:
        async with AsyncExitStack() as stack:
            client = await Client.open(sys.stdin.fileno(), sys.stdout.fileno(), line_limit=LINE_LIMIT)
            client.full = inbox.client_full
            judging = Judging(wrapping.data / FILE)
            stack.callback(judging.close)
            conversation = await _converse(wrapping, access, client, server, judging, stack)
            _watch(policy, access, conversation, judging, stack)
            status = await carry(conversation, client, server, inbox)
            await client.close()
            return status
    finally:
        await server.close(0.0)


async def _server(wrapping: Wrapping, access: Access, inbox: Inbox) -> Peer:
    if wrapping.command:
        return await Child.start(wrapping.command, received=inbox.received, ended=inbox.ended)
    # Imported here, as an HTTP client is of no use to those who wrap a command.
    from toolgate.upstream.http_lines import connect

    return connect(
        wrapping.url,
        wrapping.headers,
        allow_private=wrapping.allow_private,
        schema_of=access.tools.schema_of,
        received=inbox.received,
        failed=inbox.failed,
        ended=inbox.ended,
    )


def _access(wrapping: Wrapping, in_force: InForce) -> Access:
    place = shlex.join(wrapping.command) or wrapping.url
    program = Path(wrapping.command[0]).name if wrapping.command else urlsplit(wrapping.url).hostname or ""
    return implicit_access(
        in_force,
        grant=wrapping.grant or f"{wrapping.policy.absolute()} {place}",
        label=wrapping.grant or f"{program} under {wrapping.policy.name}",
        server=program,
        place=place,
    )


async def _converse(
    wrapping: Wrapping, access: Access, client: Client, server: Peer, judging: Judging, stack: AsyncExitStack
) -> Conversation:
    """Everything that judges and records, on the data directory."""
    data = wrapping.data
    master = MasterKey.load(data)
    journal = Journal.open(data / "journal", master.signer(), socket.gethostname(), "interval", master.id)
    stack.push_async_callback(journal.close)
    master.follow(lambda: journal.sign_with(master.signer(), master.id))
    stack.push_async_callback((await follow_files(data, master)).close)
    counters = SqliteCounters(data / "counters.db")
    stack.push_async_callback(counters.close)
    journalled = JournalledIds(data / "journal")
    await counters.recover(process_alive, journalled.__contains__)
    tasks = Tasks(data / "tasks.db")
    stack.callback(tasks.close)
    digests, seals, denials = Digests(master), Seals(master), Denials()
    approvals = Approvals(ApprovalStore(data), master.sealer(SEAL), digests, wait=wrapping.approval_wait)
    stack.callback(approvals.close)
    enforcement = Enforcement(counters, journal, digests, denials, approvals)
    _summarise(denials, journal, stack)
    inspector = Inspector(seals, tasks, judging.learn)
    return Conversation(access, enforcement, inspector, seals, tasks, client, server)


def _summarise(denials: Denials, journal: Journal, stack: AsyncExitStack) -> None:
    """Floods of denials are recorded in sum, now and then and at the end."""

    async def step() -> None:
        for entry in denials.sums(time.time()):
            journal.append(entry)

    stack.push_async_callback(step)
    _repeat(_SUMS_EVERY, step, stack)


def _watch(
    policy: PolicyFile, access: Access, conversation: Conversation, judging: Judging, stack: AsyncExitStack
) -> None:
    """Put a changed policy in force, and tell the client that its tools may look different."""

    async def step() -> None:
        in_force = policy.changed()
        if in_force is not None:
            access.judged_by(in_force)
            judging.look(access)
            conversation.tell_tools_changed()
            complain("the changed policy is in force")

    _repeat(_LOOK_EVERY, step, stack)


def _repeat(seconds: float, step: Callable[[], Awaitable[None]], stack: AsyncExitStack) -> None:
    task = asyncio.create_task(repeating(seconds, step, first_after=seconds))
    stack.callback(task.cancel)
