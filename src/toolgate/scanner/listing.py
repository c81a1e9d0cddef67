"""Reading what a server says beside its tools. Lists alone are asked for: no resource is read, no prompt filled in.

Nothing that goes wrong here is an error of the scan: what was read is judged, and the rest is a problem of the list.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from toolgate.classifier.hazards.hazard import Hazard
from toolgate.classifier.hazards.items import ItemKind
from toolgate.errors import ToolgateError
from toolgate.scanner.items import Beside, Item
from toolgate.upstream.conversation import Conversation
from toolgate.upstream.discovery import MAX_PAGES

MOST: Final = 10_000
"""Entries of one list that are judged: a page may hold hundreds of thousands."""
_UNKNOWN_METHOD: Final = -32601
_UNKNOWN_STATUS: Final = 404
"""How a method that a server does not have is refused in revision 2026-07-28, beside the code."""


@dataclass(slots=True, frozen=True)
class _List:
    """A list that servers with a `capability` may give; `key` is its field in an answer."""

    capability: str
    method: str
    key: str
    kind: ItemKind


_LISTS: Final = (
    _List("prompts", "prompts/list", "prompts", "prompt"),
    _List("resources", "resources/list", "resources", "resource"),
    _List("resources", "resources/templates/list", "resourceTemplates", "template"),
)


class _Stopped(Exception):
    """A list is not read further; `hazard` says why, None where the server does not have it."""

    def __init__(self, hazard: Hazard | None) -> None:
        self.hazard = hazard


async def hello(talk: Conversation) -> Mapping[str, Any]:
    """What a server said of itself in greeting, or says when it is asked. Raises ToolgateError.

    Many servers of the handshake era list their tools without a handshake, too, so what came before proves no era.
    """
    if talk.greeting is None:
        talk.stateless()
        said = await talk.result("server/discover", {})
        if said is not None:
            return said
        await talk.shake_hands()
    return talk.greeting or {}


async def beside(talk: Conversation, deadline: float) -> Beside:
    """Instructions and lists of a server whose tools are known; `deadline` is a time of the loop."""
    try:
        async with asyncio.timeout_at(deadline):
            said = await hello(talk)
    except (TimeoutError, ToolgateError) as error:
        return Beside(problems=(_unread("server/discover", _cause(error)),))
    instructions = said.get("instructions")
    items = [] if instructions is None else [Item("instructions", instructions)]
    declared, problems = _declared(said.get("capabilities"))
    for what in _LISTS:
        if declared.get(what.capability) is not None:
            entries, found = await _listed(talk, what, deadline)
            items += [Item(what.kind, each) for each in entries]
            problems += found
    return Beside(tuple(items), tuple(problems))


def _declared(capabilities: object) -> tuple[Mapping[str, object], list[Hazard]]:
    if capabilities is None or isinstance(capabilities, Mapping):
        return capabilities or {}, []
    return {}, [Hazard("malformed-definition", "capabilities", "are no object, so no list was asked for")]


async def _listed(talk: Conversation, what: _List, deadline: float) -> tuple[list[object], list[Hazard]]:
    """What could be read of a list, and what is wrong with it."""
    entries: list[object] = []
    try:
        async with asyncio.timeout_at(deadline):
            await _read(talk, what, entries)
    except _Stopped as stopped:
        return entries[:MOST], [stopped.hazard] if stopped.hazard else []
    except (TimeoutError, ToolgateError) as error:
        return entries, [_unread(what.method, _cause(error))]
    return entries, []


async def _read(talk: Conversation, what: _List, entries: list[object]) -> None:
    """All pages into `entries`. Raises _Stopped before the end of a list that has too many, or is none."""
    cursors: set[str] = set()
    params: dict[str, Any] = {}
    for _ in range(MAX_PAGES):
        page = await _page(talk, what, params)
        entries += page[what.key]
        if len(entries) > MOST:
            raise _Stopped(_unread(what.method, f"it has more than {MOST:,} entries"))
        cursor = page.get("nextCursor")
        if not isinstance(cursor, str):
            return
        if cursor in cursors:
            raise _Stopped(_unread(what.method, "it announces the same page again and again"))
        cursors.add(cursor)
        params = {"cursor": cursor}
    raise _Stopped(_unread(what.method, f"it has more than {MAX_PAGES} pages"))


async def _page(talk: Conversation, what: _List, params: dict[str, Any]) -> dict[str, Any]:
    """One page, with a list under its key."""
    answer = await talk.answer(what.method, params)
    if answer is None:
        status = talk.refused.status if talk.refused is not None else 0
        missing = status == _UNKNOWN_STATUS and not params
        raise _Stopped(None if missing else _unread(what.method, f"the server refuses with status {status}"))
    error, result = answer.get("error"), answer.get("result")
    if error is not None:
        code = error.get("code") if isinstance(error, dict) else None
        missing = code == _UNKNOWN_METHOD and not params
        told = f"the error {code}" if isinstance(code, int) else "an error without a code"
        raise _Stopped(None if missing else _unread(what.method, f"the server answers with {told}"))
    if not isinstance(result, dict) or not isinstance(result.get(what.key), list):
        raise _Stopped(Hazard("malformed-definition", what.method, f"is answered without a list of `{what.key}`"))
    return result


def _unread(method: str, cause: str) -> Hazard:
    return Hazard("unread-list", method, f"was not read to its end: {cause}")


def _cause(error: TimeoutError | ToolgateError) -> str:
    return error.cause if isinstance(error, ToolgateError) else "the time of the server was over"
