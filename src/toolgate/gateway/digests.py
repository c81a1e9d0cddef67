"""Keyed digests for the record: the arguments of a call can be recognised by whoever has the key, guessed by nobody."""

from __future__ import annotations

import hashlib
from typing import Final

import msgspec
from jiter import LosslessFloat

from toolgate.keys import MasterKey
from toolgate.protocol.messages import Message

_SIZE: Final = 16
_NOT_ARGUMENTS: Final = frozenset({"inputResponses", "requestState", "_meta"})
_SESSIONS_REMEMBERED: Final = 10_000


def _number(value: object) -> object:
    """A number with fraction or exponent counts as it was written."""
    if isinstance(value, LosslessFloat):
        return msgspec.Raw(bytes(value))
    raise TypeError(type(value).__name__)


_CANONICAL: Final = msgspec.json.Encoder(order="deterministic", enc_hook=_number)


def lasting_params(message: Message) -> dict[str, object]:
    """The parameters that are equal in every try of one request that is no tool call."""
    return {key: value for key, value in message.params.items() if key not in _NOT_ARGUMENTS}


class Digests:
    """Digests under one master key; equal arguments give equal text whatever the order of their keys."""

    def __init__(self, master: MasterKey) -> None:
        self._key = master.subkey("argument-digest")[:64]
        self._sessions: dict[str, str] = {}

    def arguments(self, arguments: dict[str, object]) -> str:
        """32 hexadecimal digits over the canonical form; "" for no arguments."""
        if not arguments:
            return ""
        return hashlib.blake2b(_CANONICAL.encode(arguments), digest_size=_SIZE, key=self._key).hexdigest()

    def session(self, upstream_id: str) -> str:
        """What stands for a session in records and counters: never the id itself."""
        digest = self._sessions.get(upstream_id)
        if digest is None:
            if len(self._sessions) >= _SESSIONS_REMEMBERED:
                self._sessions.clear()
            digest = hashlib.blake2b(upstream_id.encode(), digest_size=_SIZE, key=self._key).hexdigest()
            self._sessions[upstream_id] = digest
        return digest
