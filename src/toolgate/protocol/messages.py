"""Tells the four shapes of a JSON-RPC message apart and refuses what has none of them, or more than one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from toolgate.protocol.json_rules import fold
from toolgate.protocol.malformed import INVALID_PARAMS, INVALID_REQUEST, Malformed, MessageId
from toolgate.protocol.revisions import PARAMS

Kind = Literal["request", "notification", "response", "error"]

MAX_ID = 256
"""Characters of a string id; an integer id lies within what doubles keep exact."""

_ENVELOPE = frozenset({"jsonrpc", "id", "method", "params", "result", "error"})
_ENVELOPE_FOLDS = {fold(key): key for key in _ENVELOPE}
_PARAMS = {method: frozenset({"_meta", *keys}) for method, keys in PARAMS.items()}
_PARAMS_FOLDS = {method: {fold(key): key for key in keys} for method, keys in _PARAMS.items()}
_META = frozenset({"_meta"})
_META_FOLDS = {"_meta": "_meta"}
_SAFE = 2**53 - 1


@dataclass(slots=True)
class Message:
    """One JSON-RPC message. `params` is {} when absent; `raw` is the whole object as read."""

    kind: Kind
    id: MessageId | None
    method: str
    params: dict[str, object]
    raw: dict[str, object]

    @property
    def name(self) -> str:
        """The tool of a `tools/call`."""
        name = self.params["name"]
        assert isinstance(name, str)
        return name

    @property
    def arguments(self) -> dict[str, object]:
        """The arguments of a `tools/call`, {} when absent."""
        arguments = self.params.get("arguments")
        return arguments if isinstance(arguments, dict) else {}

    @property
    def meta(self) -> dict[str, object]:
        """`params._meta`, {} when absent."""
        meta = self.params.get("_meta")
        return meta if isinstance(meta, dict) else {}


def classify(value: object) -> Message:
    """Make a message of what strict reading gave; raises Malformed with the code and the id to answer.

    Fields that no revision knows are let through; a key that only folds to a known one (`Method`, `paramſ`:
    CVE-2026-27896) is refused, since some servers take it for the known one.
    """
    if not isinstance(value, dict):
        raise _no_object(value)
    message_id = _readable_id(value)
    if value.get("jsonrpc") != "2.0":
        raise _invalid("/jsonrpc", "is not `2.0`", 'say "jsonrpc": "2.0"', message_id)
    _check_keys(value, _ENVELOPE, _ENVELOPE_FOLDS, "", message_id)
    if "method" not in value:
        return _answer(value, message_id)
    if "result" in value or "error" in value:
        raise _invalid("", "is a request and an answer at once", "send either", message_id)
    return _question(value, message_id)


def _question(value: dict[str, object], message_id: MessageId | None) -> Message:
    method = value["method"]
    if not isinstance(method, str) or not method:
        raise _invalid("/method", "is not a method's name", "send a string", message_id)
    if message_id is None and "id" in value:
        raise _bad_id()
    params = value.get("params", {})
    if not isinstance(params, dict):
        raise _bad_params("/params", "is not an object", "send an object or nothing", message_id)
    known, folds = _PARAMS.get(method, _META), _PARAMS_FOLDS.get(method, _META_FOLDS)
    _check_keys(params, known, folds, "/params", message_id)
    if not isinstance(params.get("_meta", {}), dict):
        raise _bad_params("/params/_meta", "is not an object", "send an object or nothing", message_id)
    if method == "tools/call":
        _check_call(params, message_id)
    kind: Kind = "notification" if message_id is None else "request"
    return Message(kind, message_id, method, params, value)


def _check_call(params: dict[str, object], message_id: MessageId | None) -> None:
    if message_id is None:
        raise _invalid("/id", "is missing: a tool call needs an id", "send `tools/call` as a request", None)
    name = params.get("name")
    if not isinstance(name, str) or not name:
        raise _bad_params("/params/name", "is not a tool's name", "send a string", message_id)
    if not isinstance(params.get("arguments", {}), dict):
        raise _bad_params("/params/arguments", "is not an object", "send an object or nothing", message_id)


def _answer(value: dict[str, object], message_id: MessageId | None) -> Message:
    if ("result" in value) == ("error" in value):
        raise _invalid("", "is none of request, notification, response and error", "send one of them", message_id)
    if "params" in value:
        raise _invalid("/params", "stands in an answer", "leave it out", message_id)
    failed = "error" in value
    unknown = failed and value.get("id", message_id) is None
    if message_id is None and not unknown:
        raise _bad_id()
    if failed and not isinstance(value["error"], dict):
        raise _invalid("/error", "is not an object", "send `code` and `message`", message_id)
    return Message("error" if failed else "response", message_id, "", {}, value)


def _readable_id(value: dict[str, object]) -> MessageId | None:
    message_id = value.get("id")
    if type(message_id) is int and -_SAFE <= message_id <= _SAFE:
        return message_id
    if isinstance(message_id, str) and len(message_id) <= MAX_ID:
        return message_id
    return None


def _check_keys(
    keys: Iterable[str], known: frozenset[str], folds: dict[str, str], place: str, message_id: MessageId | None
) -> None:
    if known.issuperset(keys):
        return
    for key in keys:
        meant = folds.get(fold(key))
        if meant is not None and meant != key:
            raise _invalid(place, f"has a key that reads like `{meant}` and is not", f"write `{meant}`", message_id)


def _no_object(value: object) -> Malformed:
    if isinstance(value, list):
        return _invalid("", "is a batch", "send each message in a body of its own", None)
    return _invalid("", "is no JSON-RPC message", "send one object", None)


def _bad_id() -> Malformed:
    return _invalid("/id", f"is neither an integer nor a string of at most {MAX_ID} characters", "send one", None)


def _invalid(place: str, cause: str, mend: str, message_id: MessageId | None) -> Malformed:
    return Malformed(f"message{place}", cause, mend, code=INVALID_REQUEST, message_id=message_id)


def _bad_params(place: str, cause: str, mend: str, message_id: MessageId | None) -> Malformed:
    return Malformed(f"message{place}", cause, mend, code=INVALID_PARAMS, message_id=message_id)
