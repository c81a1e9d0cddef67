"""Asking many servers what they say of themselves at once: each in its time, none in the way of the others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from toolgate.errors import ToolgateError
from toolgate.scanner.bounded import Bounded
from toolgate.scanner.items import NOTHING, Beside
from toolgate.scanner.listing import beside, hello
from toolgate.scanner.process import Process
from toolgate.scanner.targets import Kept, Missing, Reached, Started, Target
from toolgate.upstream.address import parse_url
from toolgate.upstream.conversation import MODERN, Conversation, ConversationFailed
from toolgate.upstream.discovery import USER_AGENT, Discovery, SignInNeeded, ask_in
from toolgate.upstream.http import HttpUpstream
from toolgate.upstream.interface import Upstream

AT_ONCE: Final = 4
"""Servers that are asked at the same time: each may be a process with a runtime of its own."""
_GOODBYE: Final = 2.0
"""Seconds that the end of a session may take, beyond the time of its server."""


@dataclass(slots=True, frozen=True)
class Heard:
    """What became of one target: its tools and what it says beside them, or the `failure` that says why there are none.

    `strange` counts entries of its list that are no objects, `noise` lines on standard output that are no messages.
    """

    target: Target
    tools: Sequence[Mapping[str, object]] = field(default=(), repr=False)
    revision: str = ""
    strange: int = 0
    noise: int = 0
    first_noise: str = ""
    failure: ToolgateError | None = None
    beside: Beside = NOTHING


async def ask_all(targets: Sequence[Target], timeout: float, heard: Callable[[Heard], None]) -> list[Heard]:
    """Every target's answer, in their order; `heard` is told of each as it comes. `timeout` in seconds, for each."""
    free = asyncio.Semaphore(AT_ONCE)

    async def one(target: Target) -> Heard:
        async with free:
            found = await ask_one(target, timeout)
        heard(found)
        return found

    return list(await asyncio.gather(*(one(target) for target in targets)))


async def ask_one(target: Target, timeout: float) -> Heard:
    """One target's answer. Whatever goes wrong is the `failure`; what was started has ended."""
    way = target.way
    if isinstance(way, Kept):
        return Heard(target, way.tools, strange=way.strange)
    if isinstance(way, Missing):
        return Heard(target, failure=ToolgateError(f"server {target.name}", way.cause))
    try:
        return await (_started(target, way, timeout) if isinstance(way, Started) else _reached(target, way, timeout))
    except ToolgateError as error:
        return Heard(target, failure=error)
    except Exception as error:  # noqa: BLE001 - one server that nobody foresaw must not end the scan of the others
        failure = ToolgateError(f"server {target.name}", f"cannot be asked: {type(error).__name__}: {error}")
        return Heard(target, failure=failure)


async def _started(target: Target, way: Started, timeout: float) -> Heard:
    process = Process(way)
    try:
        found, more = await _ask(process, target, timeout)
    except ToolgateError as error:
        return Heard(target, noise=process.noise, first_noise=process.first_noise, failure=error)
    finally:
        await process.close()
    return Heard(
        target, found.tools, found.protocol_revision, found.strange, process.noise, process.first_noise, beside=more
    )


async def _reached(target: Target, way: Reached, timeout: float) -> Heard:
    endpoint = parse_url(way.url, allow_private=way.allow_private)
    upstream = HttpUpstream(endpoint, way.headers, allow_private=way.allow_private)
    try:
        found, more = await _ask(upstream, target, timeout)
    finally:
        await upstream.close()
    return Heard(target, found.tools, found.protocol_revision, found.strange, beside=more)


async def _ask(upstream: Upstream, target: Target, timeout: float) -> tuple[Discovery, Beside]:
    """All of the conversation has the time, not each of its answers. What is known of the tools is never lost again."""
    place = f"server {target.name}"
    talk = Conversation(Bounded(upstream, place), place, USER_AGENT, timeout)
    deadline = asyncio.get_running_loop().time() + timeout
    try:
        async with asyncio.timeout_at(deadline):
            found = await _tools(talk, place)
    except TimeoutError:
        complaint = upstream.complaint() if isinstance(upstream, Process) else ""
        cause = f"has not said which tools it has within {timeout:g} s{complaint}"
        raise ToolgateError(place, cause, "give it more time with --timeout") from None
    more = await beside(talk, deadline)
    with suppress(TimeoutError, ToolgateError):
        async with asyncio.timeout(_GOODBYE):
            await talk.end_session()
    return found, more


async def _tools(talk: Conversation, place: str) -> Discovery:
    """The tools of a server; none of one that refuses to list them and has said before that it has none."""
    try:
        return await ask_in(talk, place)
    except SignInNeeded:
        raise
    except ConversationFailed:
        with suppress(ToolgateError):
            said = await hello(talk)
            declared = said.get("capabilities")
            if isinstance(declared, dict) and declared and declared.get("tools") is None:
                return Discovery(str(said.get("protocolVersion", MODERN)))
        raise
