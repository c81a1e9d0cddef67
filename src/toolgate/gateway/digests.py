"""Keyed digests for the record: the arguments of a call can be recognised by whoever has the key, guessed by nobody."""

from __future__ import annotations

import hashlib
from collections.abc import Generator
from typing import Final

import msgspec
from jiter import LosslessFloat

from toolgate.keys import MasterKey
from toolgate.protocol.messages import Message

_SIZE: Final = 16
MANY: Final = 256
"""Arguments of one call beyond which their digest is made in slices."""
_SLICE: Final = 500
_NOT_ARGUMENTS: Final = frozenset({"inputResponses", "requestState", "_meta"})
_SESSIONS_REMEMBERED: Final = 10_000


def _number(value: object) -> object:
    """A number with fraction or exponent counts as it was written."""
    if isinstance(value, LosslessFloat):
        return msgspec.Raw(bytes(value))
    raise TypeError(type(value).__name__)


_CANONICAL: Final = msgspec.json.Encoder(order="deterministic", enc_hook=_number)
_AS_SENT: Final = msgspec.json.Encoder(enc_hook=_number)


def text_of(value: object) -> bytes:
    """What strict reading gave, as JSON again: keys in their order, every number as it was written."""
    return _AS_SENT.encode(value)


def lasting_params(message: Message) -> dict[str, object]:
    """The parameters that are equal in every try of one request that is no tool call."""
    return {key: value for key, value in message.params.items() if key not in _NOT_ARGUMENTS}


class Digests:
    """Digests under the master key; equal arguments give equal text whatever the order of their keys.

    After a rotation new digests are made under the key in use. `others` are the other keys of the ring, for what was
    remembered under one of them: an approval, the state of an unfinished request.
    """

    def __init__(self, master: MasterKey) -> None:
        self._sessions: dict[str, str] = {}
        master.follow(lambda: self._take(master))

    def _take(self, master: MasterKey) -> None:
        self._key, *others = (key.subkey("argument-digest")[:64] for key in master.ring)
        self.others = tuple(others)

    def arguments(self, arguments: dict[str, object], key: bytes | None = None) -> str:
        """32 hexadecimal digits over the canonical form; "" for no arguments, and for MANY, which go slowly."""
        if not arguments or len(arguments) > MANY:
            return ""
        return self._of(_CANONICAL.encode(arguments), key).hex()

    def slowly(self, arguments: dict[str, object], key: bytes | None = None) -> Generator[None, None, str]:
        """The digest of more than MANY arguments in slices: the sum of their own digests, whatever their order."""
        total, key = 0, key or self._key
        for place, pair in enumerate(arguments.items()):
            total += int.from_bytes(self._of(_CANONICAL.encode(pair), key))
            if place % _SLICE == _SLICE - 1:
                yield
        return f"{total % 256**_SIZE:0{2 * _SIZE}x}"

    def knows(self, digest: str, arguments: dict[str, object]) -> bool:
        """Whether this is the digest of these arguments, at most MANY, under another key of the ring."""
        return bool(digest) and any(self.arguments(arguments, key) == digest for key in self.others)

    def _of(self, text: bytes, key: bytes | None = None) -> bytes:
        return hashlib.blake2b(text, digest_size=_SIZE, key=key or self._key).digest()

    def session(self, upstream_id: str) -> str:
        """What stands for a session in records and counters: never the id itself."""
        digest = self._sessions.get(upstream_id)
        if digest is None:
            if len(self._sessions) >= _SESSIONS_REMEMBERED:
                self._sessions.clear()
            digest = self._of(upstream_id.encode()).hex()
            self._sessions[upstream_id] = digest
        return digest
