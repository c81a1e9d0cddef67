"""What routing needs to know of a message to or from a stdio server, and nothing else of it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

import msgspec
from msgspec import UNSET, Raw, UnsetType

from toolgate.errors import ToolgateError
from toolgate.protocol.revisions import LOG_LEVEL_KEY, STATELESS, SUBSCRIPTION_KEY, VERSION_KEY

Id = int | float | str
Kind = Literal["request", "notification", "answer"]


class Noise(ToolgateError):
    """A line that is no JSON-RPC message. `answers` is the id it seems to answer, as far as that can be read."""

    def __init__(self, cause: str, answers: Id | None = None) -> None:
        super().__init__("line", cause)
        self.answers = answers


@dataclass(slots=True)
class Glance:
    """The members of one message that decide where it goes.

    `token` is the progress token that a request gives and a progress notification names, `cancels` the request that
    `notifications/cancelled` names, `subscription` the request of `subscriptions/listen` that a notification belongs
    to. `code` is that of an error.
    """

    kind: Kind
    id: Id | None = None
    method: str = ""
    token: Id | None = None
    cancels: Id | None = None
    subscription: Id | None = None
    stateless: bool = False
    """Whether the message itself says that it is of a revision without sessions."""
    logs: bool = False
    """Whether a request asks for log messages (2026-07-28), which name no request that they belong to."""
    code: int | None = None


class _Meta(msgspec.Struct):
    token: Raw | UnsetType = msgspec.field(default=UNSET, name="progressToken")
    version: Raw | UnsetType = msgspec.field(default=UNSET, name=VERSION_KEY)
    log_level: Raw | UnsetType = msgspec.field(default=UNSET, name=LOG_LEVEL_KEY)
    subscription: Raw | UnsetType = msgspec.field(default=UNSET, name=SUBSCRIPTION_KEY)


class _Params(msgspec.Struct):
    meta: _Meta | UnsetType | None = msgspec.field(default=UNSET, name="_meta")
    token: Raw | UnsetType = msgspec.field(default=UNSET, name="progressToken")
    request: Raw | UnsetType = msgspec.field(default=UNSET, name="requestId")


class _Error(msgspec.Struct):
    code: Raw | UnsetType = UNSET


class _Message(msgspec.Struct):
    id: Id | UnsetType | None = UNSET
    method: str | UnsetType = UNSET
    params: _Params | UnsetType | None = UNSET
    result: Raw | UnsetType = UNSET
    error: _Error | UnsetType | None = UNSET


_DECODER: Final = msgspec.json.Decoder(_Message)
_NOTHING: Final = _Params()
_NO_META: Final = _Meta()


def glance(line: bytes) -> Glance:
    """Look at one message; raises Noise."""
    try:
        return _glanced(line)
    except RecursionError:
        raise Noise("is nested too deeply") from None


def _glanced(line: bytes) -> Glance:
    try:
        if not line.isascii():
            line.decode()  # what is not looked at must be UTF-8 too: it goes into an answer as it is
        message = _DECODER.decode(line)
    except UnicodeDecodeError:
        raise Noise("is not UTF-8", _id_of_answer(line)) from None
    except msgspec.DecodeError as error:
        raise Noise(f"is no JSON-RPC message: {error}") from None
    if message.result is not UNSET or message.error is not UNSET:
        return _answer(message)
    if message.method is UNSET:
        raise Noise("is neither an answer nor a request nor a notification")
    return _question(message, message.method)


def _answer(message: _Message) -> Glance:
    id_ = None if message.id is UNSET else message.id
    if message.method is not UNSET:
        raise Noise("is an answer and a request at once", id_)
    code = _value(message.error.code) if isinstance(message.error, _Error) else None
    return Glance("answer", id_, code=code if isinstance(code, int) else None)


def _question(message: _Message, method: str) -> Glance:
    params = message.params or _NOTHING
    meta = params.meta or _NO_META
    stateless = _value(meta.version) in STATELESS
    if message.id is not UNSET and message.id is not None:
        logs = meta.log_level is not UNSET
        return Glance("request", message.id, method, token=_id(meta.token), stateless=stateless, logs=logs)
    return Glance(
        "notification",
        method=method,
        token=_id(params.token) if method == "notifications/progress" else None,
        cancels=_id(params.request) if method == "notifications/cancelled" else None,
        subscription=_id(meta.subscription),
        stateless=stateless,
    )


def _value(raw: Raw | UnsetType) -> Any:
    return None if raw is UNSET else msgspec.json.decode(raw)


def _id(raw: Raw | UnsetType) -> Id | None:
    value = _value(raw)
    return value if isinstance(value, int | float | str) and not isinstance(value, bool) else None


def _id_of_answer(line: bytes) -> Id | None:
    """The request that broken bytes answer, so that nobody waits for an answer that came."""
    try:
        repaired = glance(line.decode(errors="replace").encode())
    except Noise:
        return None
    return repaired.id if repaired.kind == "answer" else None
