"""The retry of an unfinished request (revision 2026-07-28): recognised by its seal, given back its own state.

A retry is judged like any call, but pays and asks a person only once; with other arguments, of another grant, or
without a valid seal it is a new call.
"""

from __future__ import annotations

import json
import re
from typing import Final

from toolgate.gateway.call import Call
from toolgate.gateway.digests import Digests, lasting_params
from toolgate.gateway.seals import STATE_PREFIX, RequestState, Seals
from toolgate.protocol.malformed import INVALID_PARAMS, Malformed

MAX_ROUNDS: Final = 10
"""Tries of one request; what goes on longer pays again."""
_KEY: Final = rb'"requestState"\s*:\s*'
RETRIED: Final = frozenset({"tools/call", "prompts/get", "resources/read"})
"""The methods whose results may be unfinished."""


def open_retry(seals: Seals, digests: Digests, call: Call, now: float) -> RequestState | None:
    """The state of the request that this one continues; None for a new call."""
    message, access = call.message, call.access
    sealed = message.params.get("requestState")
    if message.method not in RETRIED or not isinstance(sealed, str) or not sealed.startswith(STATE_PREFIX):
        return None
    state = seals.open_state(sealed, access.grant_id, access.server_id)
    if state is None or state.expires < now or state.round > MAX_ROUNDS:
        return None
    same = (state.method, state.name) == (message.method, call.tool)
    return state if same and _same_arguments(state, call, digests) else None


def _same_arguments(state: RequestState, call: Call, digests: Digests) -> bool:
    """Also under the key that was in use when the state was sealed."""
    if state.arguments == call.arguments_digest:
        return True
    return digests.knows(state.arguments, call.arguments if call.tool else lasting_params(call.message))


def restored(body: bytes, sealed: str, inner: str | None) -> bytes:
    """The body with the server's own state in place of the sealed one, every other byte as it was.

    Raises Malformed when the sealed text does not stand exactly once, plainly, as the value of `requestState`.
    """
    pattern = _KEY + b'"' + re.escape(sealed.encode("ascii")) + b'"'
    found = list(re.finditer(pattern, body))
    if len(found) != 1 or body.count(sealed.encode("ascii")) != 1:
        raise Malformed("/params/requestState", "stands more than once or is escaped", code=INVALID_PARAMS)
    start, end = found[0].span()
    if inner is not None:
        return body[:start] + b'"requestState":' + json.dumps(inner).encode("ascii") + body[end:]
    return _without_member(body, start, end)


def _without_member(body: bytes, start: int, end: int) -> bytes:
    """Cut the member out, with the comma that joined it to a neighbour."""
    after = re.match(rb"\s*,\s*", body[end:])
    if after is not None:
        return body[:start] + body[end + after.end() :]
    before = re.search(rb",\s*$", body[:start])
    return body[: before.start() if before is not None else start] + body[end:]
