"""One call of a tool, as a client of either era would make it: how a person sees what a grant gives."""

from __future__ import annotations

from typing import Any, Final

from toolgate.upstream.conversation import Conversation, ConversationFailed
from toolgate.upstream.interface import Upstream
from toolgate.wire.client import UpstreamError

USER_AGENT: Final = b"toolgate-trial"
TIMEOUT: Final = 60.0
"""Seconds; longer than a call is held for a person."""


async def try_call(
    upstream: Upstream, place: str, tool: str, arguments: dict[str, Any], timeout: float = TIMEOUT
) -> dict[str, Any]:
    """The JSON-RPC message that answers one `tools/call`. Raises ToolgateError.

    The era is found out with `tools/list`, so that the call itself is sent once.
    """
    talk = Conversation(upstream, place, USER_AGENT, timeout)
    try:
        talk.stateless()
        modern = await talk.result("tools/list", {}) is not None
        if not modern:
            await talk.shake_hands()
        answer = await talk.answer("tools/call", {"name": tool, "arguments": arguments}, tool)
        if not modern:
            await talk.end_session()
    except UpstreamError as error:
        raise ConversationFailed(place, str(error)) from None
    if answer is None:
        status = talk.refused.status if talk.refused is not None else 0
        raise ConversationFailed(place, f"answered the call with HTTP status {status}")
    return answer
