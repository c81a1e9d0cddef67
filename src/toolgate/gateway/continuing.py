"""What a message may continue: an unfinished request of its own, and tasks that its grant created."""

from __future__ import annotations

import time

from toolgate.gateway import retries
from toolgate.gateway.call import Call
from toolgate.gateway.digests import Digests
from toolgate.gateway.seals import Seals
from toolgate.gateway.tasks import Tasks
from toolgate.protocol.malformed import Malformed


def continued(call: Call, body: bytes, seals: Seals, digests: Digests, tasks: Tasks) -> bytes:
    """The body to forward: for the retry of an unfinished request (2026-07-28) with the server's own state in it."""
    if not call.modern:
        return body
    state = retries.open_retry(seals, digests, call, time.time())
    if state is None:
        return body
    # sent again, the same state would run the tool again: that pays as a new call does
    if tasks.continue_once(state.decision, state.expires):
        call.round, call.approval_id = state.round, state.approval
    try:
        return retries.restored(body, str(call.message.params["requestState"]), state.inner)
    except Malformed as malformed:
        malformed.id = call.message.id
        raise


def owns_task(call: Call, tasks: Tasks) -> bool:
    """Whether the task of a `tasks/*` request is the grant's own; `tasks/list` names none and is filtered."""
    method = call.message.method
    if not method.startswith("tasks/") or method == "tasks/list":
        return True
    task = call.message.params.get("taskId")
    return isinstance(task, str) and tasks.owned(call.access.server_id, task, call.access.grant_id)
