"""The conversation of a test with a client that runs in an environment of its own: JSON lines on stdin and stdout.

The first line out is `{"revision": ...}`. `{"do": "list"}` is answered with `{"tools": [...]}`, `{"do": "call",
"name": ..., "arguments": ...}` with `{"is_error": ..., "text": ..., "structured": ...}`, a request that failed with
`{"raised": type, "text": ...}`. Only the standard library: drivers import this with their own interpreter.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

Do = Callable[..., Awaitable[dict[str, Any]]]


def say(answer: dict[str, Any]) -> None:
    print(json.dumps(answer), flush=True)


def innermost(error: BaseException) -> BaseException:
    """The first leaf of an exception group, which is what the client library raised."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def drive(connection: Coroutine[Any, Any, None]) -> None:
    """Run a connection to its end; what ends it early (a client that gives up on HTTP 401) answers the open request."""
    try:
        asyncio.run(connection)
    except BaseExceptionGroup as error:
        cause = innermost(error)
        say({"raised": type(cause).__name__, "text": str(cause)})


async def converse(revision: str, verbs: dict[str, Do]) -> None:
    """Answer requests until stdin ends."""
    say({"revision": revision})
    while line := await asyncio.to_thread(sys.stdin.readline):
        request = json.loads(line)
        verb = verbs[request.pop("do")]
        try:
            say(await verb(**request))
        except Exception as error:
            cause = innermost(error)
            say({"raised": type(cause).__name__, "text": str(cause)})
