"""What every Python driver says to the test: the dialogue of README.md. Standard library only."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

ELICITED = {"name": "Ada"}
SAMPLED = "sampled"
PATIENCE = 60.0
"""Seconds that a request without a time-out of its own may take."""

Do = Callable[..., Awaitable[dict[str, Any]]]


class Progress:
    """The progress that arrived; `note` is the callback of a call."""

    def __init__(self) -> None:
        self.seen: list[tuple[float, float | None, str | None]] = []

    async def note(self, progress: float, total: float | None, message: str | None) -> None:
        self.seen.append((progress, total, message))


def say(answer: dict[str, Any]) -> None:
    print(json.dumps(answer), flush=True)


def text_of(content: list[Any]) -> str:
    """The text of the text blocks of a result."""
    return "".join(block.text for block in content if block.type == "text")


def innermost(error: BaseException) -> BaseException:
    """The first leaf of an exception group, which is what the client library raised."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def raised(error: BaseException) -> dict[str, Any]:
    """What a failed request is answered with."""
    cause = innermost(error)
    code = getattr(getattr(cause, "error", None), "code", None)
    return {"raised": type(cause).__name__, "code": code, "text": str(cause)}


def drive(connection: Callable[..., Coroutine[Any, Any, None]]) -> None:
    """Run a connection to its end; what ends it early (a client that gives up on HTTP 401) answers the open request."""
    try:
        asyncio.run(connection(*sys.argv[1:]))
    except Exception as error:
        say(raised(error))


async def converse(revision: str | None, client: str, verbs: dict[str, Do]) -> None:
    """Answer requests until stdin ends."""
    say({"revision": revision, "client": client})
    while line := await asyncio.to_thread(sys.stdin.readline):
        request = json.loads(line)
        verb = verbs[request.pop("do")]
        try:
            say(await verb(**request))
        except Exception as error:
            say(raised(error))
