"""Asking a server for its tools because a person wants to know now, with what became of it."""

from __future__ import annotations

import asyncio
from typing import Final

from toolgate.control.discovering import fetch_tools
from toolgate.control.identity.actor import Actor
from toolgate.control.state import State
from toolgate.errors import ToolgateError

PATIENCE: Final = 12.0
"""Seconds that a person waits for a server to tell its tools."""


async def ask_server(state: State, actor: Actor, server_id: str, *, trusted: bool = False) -> ToolgateError | None:
    """Fetch and store the tools of a server, wake the gateways; what went wrong is returned and kept.

    `trusted`: the server is registered now, so that a pinned server's tools are accepted.
    """
    error: ToolgateError | None = None
    try:
        async with asyncio.timeout(PATIENCE):
            await fetch_tools(
                state.data,
                state.engine,
                actor.name,
                server_id,
                state.master,
                trusted=trusted,
                organisation=actor.organisation,
            )
    except TimeoutError:
        error = ToolgateError("server", f"does not answer within {PATIENCE:g} s", "check that it runs, and its address")
    except ToolgateError as failure:
        error = failure
    state.attempts.note(server_id, error)
    if error is None:
        await asyncio.to_thread(state.changed)
    return error
