"""Who gets which message of a stdio server, decided without any input or output of its own.

A stdio server has one line in each direction. Streamable HTTP has an answer for each request and a stream for what
belongs to none, so every line is given to whom it names: by the id that it answers, by a progress token or by a
subscription. What names nobody is the difference between a server of one session and one that many clients share.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

import msgspec

from toolgate.upstream.stdio_messages import Glance, Id, Noise, glance

Asker = TypeVar("Asker")

_KEPT_MESSAGES: Final = 100
_KEPT_BYTES: Final = 1024 * 1024
"""What may wait, together, for somebody to listen."""
_NOBODY: Final = -32001
"""The JSON-RPC code for a request of the server that reaches no client."""


@dataclass(slots=True, frozen=True)
class Deliver(Generic[Asker]):
    """Give a line to somebody; `last`: it answers what they asked, and `code` is that of a JSON-RPC error."""

    to: Asker
    line: bytes
    last: bool = False
    code: int | None = None


@dataclass(slots=True, frozen=True)
class Spoil(Generic[Asker]):
    """Tell somebody that their answer came and cannot be used."""

    to: Asker
    cause: str


@dataclass(slots=True, frozen=True)
class Say:
    """Say a line to the server."""

    line: bytes


Step = Deliver[Asker] | Spoil[Asker] | Say | None


@dataclass(slots=True, frozen=True)
class _Open(Generic[Asker]):
    asker: Asker
    question: Glance


class Dialogue(ABC, Generic[Asker]):
    """What is open between one server process and those who ask it.

    An id whose asker went away stays taken until its late answer has come, so that nobody else is given that one.
    """

    def __init__(self) -> None:
        self._open: dict[Id, _Open[Asker]] = {}
        self._tokens: dict[Id, Id] = {}
        self._forsaken: set[Id] = set()

    @property
    def askers(self) -> list[Asker]:
        """Everybody who waits for an answer, the newest last."""
        return [open_.asker for open_ in self._open.values()]

    @property
    def forsaken(self) -> int:
        """How many ids are taken by askers who went away."""
        return len(self._forsaken)

    def takes(self, question: Glance) -> bool:
        """Whether a request can be asked now: its id and its progress token are free."""
        if question.id in self._open or question.id in self._forsaken:
            return False
        return question.token is None or question.token not in self._tokens

    def ask(self, question: Glance, asker: Asker) -> list[bytes]:
        """Count a request in that the dialogue takes; gives what was kept for somebody to listen."""
        assert question.id is not None
        self._open[question.id] = _Open(asker, question)
        if question.token is not None:
            self._tokens[question.token] = question.id
        return []

    def forget(self, id_: Id) -> Asker | None:
        """Count a request out of which the server never heard, or will not hear again."""
        open_ = self._open.pop(id_, None)
        if open_ is None:
            return None
        if open_.question.token is not None:
            del self._tokens[open_.question.token]
        return open_.asker

    def forsake(self, id_: Id) -> Asker | None:
        """Count a request out that the server may still answer; gives who had asked."""
        asker = self.forget(id_)
        if asker is not None:
            self._forsaken.add(id_)
        return asker

    def hear(self, line: bytes) -> Step[Asker]:
        """What to do with a line of the server. Raises Noise for one that means nothing to anybody."""
        try:
            message = glance(line)
        except Noise as noise:
            asker = None if noise.answers is None else self.forget(noise.answers)
            if asker is None:
                raise
            return Spoil(asker, noise.cause)
        if message.kind == "answer":
            return self._answer(message, line)
        owner = self._owner(message)
        return self._unnamed(message, line) if owner is None else Deliver(owner, line)

    def _answer(self, message: Glance, line: bytes) -> Step[Asker]:
        if message.id is None:
            return None
        asker = self.forget(message.id)
        if asker is None:
            self._forsaken.discard(message.id)
            return None
        return Deliver(asker, line, last=True, code=message.code)

    def _owner(self, message: Glance) -> Asker | None:
        """Whose request a notification names."""
        named = message.subscription if message.token is None else self._tokens.get(message.token)
        open_ = None if named is None or message.kind != "notification" else self._open.get(named)
        return None if open_ is None else open_.asker

    @abstractmethod
    def _unnamed(self, message: Glance, line: bytes) -> Step[Asker]:
        """What to do with a request of the server, or a notification that names no open request."""


class SessionDialogue(Dialogue[Asker]):
    """With the server of one session: what names nobody is for the client all the same.

    It goes to the session's stream, else to the newest request, else it is kept for whichever comes first.
    """

    def __init__(self) -> None:
        super().__init__()
        self.listener: Asker | None = None
        """The session's stream."""
        self._kept: list[bytes] = []

    def ask(self, question: Glance, asker: Asker) -> list[bytes]:
        """Count a request in, as every dialogue does."""
        super().ask(question, asker)
        return self._take_kept() if self.listener is None else []

    def listen(self, listener: Asker) -> list[bytes]:
        """Open the session's stream; gives what was kept for it."""
        self.listener = listener
        return self._take_kept()

    def _take_kept(self) -> list[bytes]:
        kept, self._kept = self._kept, []
        return kept

    def _unnamed(self, message: Glance, line: bytes) -> Step[Asker]:
        if self.listener is not None:
            return Deliver(self.listener, line)
        if self._open:
            return Deliver(next(reversed(self._open.values())).asker, line)
        if len(self._kept) >= _KEPT_MESSAGES or sum(map(len, self._kept)) + len(line) > _KEPT_BYTES:
            return _unheard(message)
        self._kept.append(line)
        return None


class SharedDialogue(Dialogue[Asker]):
    """With a server that the clients of many grants ask, in the stateless revision.

    Nobody may be given what could be another's: what names nobody is dropped, and a request that asks for log
    messages, which never name theirs, has the server for itself. The revision has no requests of the server.
    """

    def takes(self, question: Glance) -> bool:
        """As every dialogue, and alone where log messages are asked for."""
        if not super().takes(question):
            return False
        return not self._open if question.logs else self._alone() is None

    def _alone(self) -> Asker | None:
        """Who has the server for themselves."""
        open_ = next(iter(self._open.values()), None)
        return open_.asker if open_ is not None and open_.question.logs else None

    def _unnamed(self, message: Glance, line: bytes) -> Step[Asker]:
        if message.kind == "request":
            return _unheard(message)
        asker = self._alone() if message.method == "notifications/message" else None
        return None if asker is None else Deliver(asker, line)


def _unheard(message: Glance) -> Say | None:
    """Nobody hears this; a request is told so, because it would wait for ever."""
    if message.kind != "request":
        return None
    error = {"code": _NOBODY, "message": "no client can be asked now"}
    return Say(msgspec.json.encode({"jsonrpc": "2.0", "id": message.id, "error": error}))


def cancellation(id_: Id) -> bytes:
    """The notification by which a server learns that nobody waits for its answer any more."""
    params = {"requestId": id_, "reason": "the client no longer waits"}
    return msgspec.json.encode({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params})
