"""A quick look into what an upstream sends: which kind of message it is and what of it the gateway must act upon.

Only the members named here are decoded; everything else stays raw bytes, so numbers, escapes and unknown fields reach
the client as the server wrote them.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
from msgspec import UNSET, Raw, UnsetType

from toolgate.audit.records import Result
from toolgate.errors import ToolgateError
from toolgate.protocol import strict_json
from toolgate.protocol.malformed import Malformed
from toolgate.protocol.messages import Message, classify

NOT_RUN: Final = frozenset({-32700, -32600, -32601, -32602, -32020, -32021, -32022})
"""JSON-RPC errors that say the tool certainly did not run: the quota is given back.

Parse error, invalid request, unknown method, invalid params (also: unknown tool), and of revision 2026-07-28 header
mismatch, missing client capability, unsupported protocol version.
"""


class NotUnderstood(ToolgateError):
    """The upstream sent something that is no JSON-RPC message."""

    def __init__(self, cause: str) -> None:
        super().__init__("upstream answer", cause)


class ErrorPart(msgspec.Struct):
    """The members of a JSON-RPC error."""

    code: int = 0


class ResultPart(msgspec.Struct, rename="camel"):
    """The members of a result that some rule of the gateway reads; raw where only their presence or text matters."""

    is_error: Raw | UnsetType = UNSET
    result_type: Raw | UnsetType = UNSET
    request_state: Raw | UnsetType = UNSET
    input_requests: Raw | UnsetType = UNSET
    structured_content: Raw | UnsetType = UNSET
    tools: Raw | UnsetType = UNSET
    tasks: Raw | UnsetType = UNSET
    task: Raw | UnsetType = UNSET
    task_id: Raw | UnsetType = UNSET
    protocol_version: Raw | UnsetType = UNSET
    capabilities: Raw | UnsetType = UNSET


class Reply(msgspec.Struct):
    """One message from an upstream: an answer (`result` or `error`), a request (`id`, `method`) or a notification."""

    id: int | float | str | UnsetType | None = UNSET
    method: str | UnsetType = UNSET
    params: Raw | UnsetType = UNSET
    result: ResultPart | UnsetType | None = UNSET
    error: ErrorPart | UnsetType | None = UNSET

    @property
    def is_answer(self) -> bool:
        """Whether this ends a request of the client."""
        return self.result is not UNSET or self.error is not UNSET


_DECODER: Final = msgspec.json.Decoder(Reply)


def peek(raw: bytes) -> Reply:
    """Look into one message; raises NotUnderstood, also for batches."""
    try:
        reply = _DECODER.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise NotUnderstood(f"is no JSON-RPC message: {error}") from None
    if not reply.is_answer and reply.method is UNSET:
        raise NotUnderstood("is neither an answer nor a request nor a notification")
    if reply.is_answer and reply.method is not UNSET:
        raise NotUnderstood("is an answer and a request at once")
    return reply


def value(raw: Raw | UnsetType) -> Any:
    """The plain value of a raw member; None where it is absent."""
    return None if raw is UNSET else msgspec.json.decode(raw)


def did_not_run(reply: Reply) -> bool:
    """Whether the answer proves that the tool did not run."""
    return isinstance(reply.error, ErrorPart) and reply.error.code in NOT_RUN


def kind(reply: Reply) -> Result:
    """How a call ended, in the words of the record."""
    if isinstance(reply.error, ErrorPart):
        return "rpc_error"
    failed = isinstance(reply.result, ResultPart) and reply.result.is_error is not UNSET
    return "tool_error" if failed and value(reply.result.is_error) is True else "result"  # type: ignore[union-attr]


def request_of(raw: bytes) -> Message:
    """What a server asks, read as strictly as a client's message: client and gateway must see one request in it.

    Raises NotUnderstood.
    """
    try:
        message = classify(strict_json.read(raw))
    except Malformed as malformed:
        raise NotUnderstood(f"asks in a way that is refused: {malformed.cause}") from None
    if message.kind != "request":
        raise NotUnderstood("is no request")
    return message


def input_asked(raw: Raw | UnsetType) -> list[Message]:
    """What an unfinished result asks of the client, each read as strictly as a message that comes by itself.

    Raises NotUnderstood: what client and gateway could read differently is nothing that a policy can judge.
    """
    if raw is UNSET:
        return []
    try:
        asked = strict_json.read(bytes(raw))
        if not isinstance(asked, dict) or not all(isinstance(request, dict) for request in asked.values()):
            raise NotUnderstood("asks for input in a way that no revision defines")
        messages = [classify({**request, "jsonrpc": "2.0", "id": 0}) for request in asked.values()]
    except Malformed as malformed:
        raise NotUnderstood(f"asks for input in a way that is refused: {malformed.cause}") from None
    if not all(message.kind == "request" for message in messages):
        raise NotUnderstood("asks for input with what is no request")
    return messages
