"""`tools/list` through the policy: which tools of an answer a grant may see, and what the answer teaches about them.

Works on any message with `result.tools`, whichever request or stream it belongs to, because a filter keyed to one
request misses replays and streams (PolicyLayer Intercept, `attacks.md` section 4). Kept members stay the very bytes
that the server sent, in their order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import msgspec
from msgspec import Raw

from toolgate.gateway.replies import NotUnderstood
from toolgate.protocol.hidden_text import NoJson, is_plain, without

_MESSAGE: Final = msgspec.json.Decoder(dict[str, Raw])
_TOOLS: Final = msgspec.json.Decoder(list[Raw])
_PRIVATE: Final = Raw(b'"private"')

Shown = Callable[[str], bool]


class _Named(msgspec.Struct):
    name: str


_NAME: Final = msgspec.json.Decoder(_Named)


def tools_of(message: bytes) -> list[tuple[str, bytes]]:
    """Name and raw definition of each tool in a message with `result.tools`; raises NotUnderstood."""
    return [(_name(raw), bytes(raw)) for raw in _tools(_result(_decode(message)))]


def filtered(message: bytes, shown: Shown, *, modern: bool) -> bytes:
    """The message with only the tools for which `shown(name)` holds; raises NotUnderstood.

    In revision 2026-07-28 the answer is marked `cacheScope: "private"`: it was made for one grant.
    """
    envelope = _decode(message)
    result = _result(envelope)
    result["tools"] = Raw(msgspec.json.encode([raw for raw in _tools(result) if shown(_name(raw))]))
    if modern:
        result["cacheScope"] = _PRIVATE
    envelope["result"] = Raw(msgspec.json.encode(result))
    return msgspec.json.encode(envelope)


def legible(message: bytes, *, strict: bool) -> tuple[bytes, int]:
    """The message without tools whose name or names of members hold hidden characters, and how many characters.

    Taken out of a name, they would make it another tool's. `strict`: without tools that hold any at all.
    """
    envelope = _decode(message)
    result = _result(envelope)
    tools = _tools(result)
    kept = [raw for raw in tools if not _hides(raw, strict=strict)]
    if len(kept) == len(tools):
        return message, 0
    result["tools"] = Raw(msgspec.json.encode(kept))
    envelope["result"] = Raw(msgspec.json.encode(result))
    return msgspec.json.encode(envelope), sum(_hidden(raw) for raw in tools if _hides(raw, strict=strict))


def _hides(tool: Raw, *, strict: bool) -> bool:
    if strict:
        return _hidden(tool) > 0
    return not (is_plain(_name(tool)) and all(map(is_plain, _members(msgspec.json.decode(tool)))))


def _hidden(tool: Raw) -> int:
    try:
        return without(bytes(tool))[1]
    except NoJson as error:
        raise NotUnderstood(error.cause) from None


def _members(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _members(inner)


def own_tasks(message: bytes, own: Shown) -> bytes:
    """The message with only those of `result.tasks` whose `taskId` is the grant's own; raises NotUnderstood."""
    envelope = _decode(message)
    result = _result(envelope)
    try:
        tasks = _TOOLS.decode(result["tasks"])
        kept = [raw for raw in tasks if own(msgspec.json.decode(raw, type=_Task).task_id)]
    except msgspec.DecodeError as error:
        raise NotUnderstood(f"has a list of tasks that cannot be read: {error}") from None
    result["tasks"] = Raw(msgspec.json.encode(kept))
    envelope["result"] = Raw(msgspec.json.encode(result))
    return msgspec.json.encode(envelope)


def replaced_result(message: bytes, changes: dict[str, object]) -> bytes:
    """The message with some members of its result replaced, everything else as sent."""
    envelope = _decode(message)
    result = _result(envelope)
    for key, value in changes.items():
        result[key] = Raw(msgspec.json.encode(value))
    envelope["result"] = Raw(msgspec.json.encode(result))
    return msgspec.json.encode(envelope)


def readdressed(message: bytes, id_: object) -> bytes:
    """The message with another id."""
    return msgspec.json.encode(_decode(message) | {"id": Raw(msgspec.json.encode(id_))})


class _Task(msgspec.Struct, rename="camel"):
    task_id: str


def _decode(message: bytes) -> dict[str, Raw]:
    try:
        return _MESSAGE.decode(message)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise NotUnderstood(f"is no JSON object: {error}") from None


def _result(envelope: dict[str, Raw]) -> dict[str, Raw]:
    try:
        return _MESSAGE.decode(envelope["result"])
    except (KeyError, msgspec.DecodeError) as error:
        raise NotUnderstood(f"has no result object: {error}") from None


def _tools(result: dict[str, Raw]) -> list[Raw]:
    try:
        return _TOOLS.decode(result["tools"])
    except (KeyError, msgspec.DecodeError) as error:
        raise NotUnderstood(f"has a list of tools that cannot be read: {error}") from None


def _name(tool: Raw) -> str:
    try:
        return _NAME.decode(tool).name
    except msgspec.DecodeError as error:
        raise NotUnderstood(f"lists a tool without a readable name: {error}") from None
