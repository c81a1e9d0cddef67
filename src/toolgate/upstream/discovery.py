"""Asking a server which tools it has, as a client of either era would."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from toolgate.upstream.conversation import MODERN, Conversation, ConversationFailed
from toolgate.upstream.interface import Upstream
from toolgate.wire.client import UpstreamError

USER_AGENT: Final = b"toolgate-discovery"
"""How a server's log tells these requests from those of clients."""
TIMEOUT: Final = 15.0
"""Seconds for each answer, also where it is a stream that goes on."""
MAX_PAGES: Final = 100
"""Pages of one list that are read."""


class SignInNeeded(ConversationFailed):
    """The server answers 401: it was given no credential, or none that holds."""


@dataclass(slots=True)
class Discovery:
    """What a server says of itself; `strange` counts entries of its list that are no tools, and are left out."""

    protocol_revision: str
    tools: list[dict[str, Any]] = field(default_factory=list)
    strange: int = 0


async def ask(upstream: Upstream, place: str, timeout: float = TIMEOUT) -> Discovery:
    """The tools of a server: revision 2026-07-28 first, then the handshake; `place` names it in errors.

    The session that the handshake opens is ended again. Every page is read, at most 100, each within `timeout` seconds.
    Raises ToolgateError; SignInNeeded where the server wants to know who asks.
    """
    talk = Conversation(upstream, place, USER_AGENT, timeout)
    found = await ask_in(talk, place)
    with _told(talk, place):
        await talk.end_session()
    return found


async def ask_in(talk: Conversation, place: str) -> Discovery:
    """The same in a conversation that goes on: who called ends its session."""
    with _told(talk, place):
        return await _stateless(talk, place) or await _with_handshake(talk, place)


@contextmanager
def _told(talk: Conversation, place: str) -> Iterator[None]:
    """Failures as `ask` tells them."""
    try:
        yield
    except UpstreamError as error:
        mend = "check that the server runs, and how it is registered"
        raise ConversationFailed(place, str(error), mend) from None
    except ConversationFailed:
        if talk.refused is not None and talk.refused.status == 401:
            raise SignInNeeded(place, "wants a credential", "connect it, or give it a header") from None
        raise


async def _stateless(talk: Conversation, place: str) -> Discovery | None:
    """The tools of a server of revision 2026-07-28; None when it speaks another era."""
    talk.stateless()
    first = await talk.result("tools/list", {})
    return None if first is None else _found(MODERN, await _all_pages(talk, place, first))


async def _with_handshake(talk: Conversation, place: str) -> Discovery:
    """The tools of a server of the handshake era."""
    revision = await talk.shake_hands()
    first = await talk.result("tools/list", {})
    if first is None:
        raise ConversationFailed(place, "does not answer `tools/list`")
    return _found(revision, await _all_pages(talk, place, first))


def _found(revision: str, listed: list[Any]) -> Discovery:
    tools = [tool for tool in listed if isinstance(tool, dict)]
    return Discovery(revision, tools, len(listed) - len(tools))


async def _all_pages(talk: Conversation, place: str, first: dict[str, Any]) -> list[Any]:
    async with aclosing(_pages(talk, place, first)) as pages:
        return [tool async for tools in pages for tool in tools]


async def _pages(talk: Conversation, place: str, page: dict[str, Any]) -> AsyncGenerator[list[Any]]:
    for _ in range(MAX_PAGES):
        tools = page.get("tools")
        if not isinstance(tools, list):
            raise ConversationFailed(place, "answers `tools/list` without a list of tools", "is it an MCP server?")
        yield tools
        cursor = page.get("nextCursor")
        if not isinstance(cursor, str):
            return
        following = await talk.result("tools/list", {"cursor": cursor})
        if following is None:
            raise ConversationFailed(place, "refused a page of `tools/list` that it had announced")
        page = following
    raise ConversationFailed(place, f"lists more than {MAX_PAGES} pages of tools")
