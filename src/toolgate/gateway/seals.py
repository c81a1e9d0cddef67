"""What leaves the gateway and must come back unchanged, sealed: session ids and the state of unfinished requests.

Any process with the same master keys opens them, so no table is shared between workers, and nobody but the grant they
were made for can use them (CVE-2026-52869, CVE-2025-6515, GHSA-mvgg-jvj2-4frq).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Final

import msgspec

from toolgate.keys import MasterKey, SealBroken

STATE_PREFIX: Final = "tgs1."
"""What marks a `requestState` as ours."""
SESSION_PREFIX: Final = "tg1."
_REMEMBERED: Final = 10_000


class Session(msgspec.Struct, frozen=True):
    """A session of the handshake era: the upstream's own id and what was agreed in it.

    `name` stands for it in records and counters. It is made with the session and sealed, so that no rotation of keys
    changes it: a limit of a session would begin anew.
    """

    upstream_id: str
    revision: str
    list_changed: bool
    name: str = ""


class RequestState(msgspec.Struct, frozen=True):
    """Why the retry of an unfinished request neither pays nor asks again. `expires` is in epoch seconds.

    `inner` is the upstream's own state, None where it gave none. `arguments` is the keyed digest of the arguments.
    `approval` is the one that released an earlier round, "" where nobody was asked.
    """

    decision: str
    method: str
    name: str
    arguments: str
    round: int
    expires: int
    inner: str | None
    approval: str = ""


class Seals:
    """Seals and opens. An opened session is remembered (bounded), so a call opens no cipher twice."""

    def __init__(self, master: MasterKey) -> None:
        self._sessions = master.sealer("session")
        self._states = master.sealer("request-state")
        self._opened: dict[tuple[str, str, str], Session] = {}
        self._read_session = msgspec.msgpack.Decoder(Session)
        self._read_state = msgspec.msgpack.Decoder(RequestState)

    def seal_session(self, session: Session, grant: str, server: str) -> str:
        """The session id that the client gets; only visible ASCII, as the specification asks."""
        sealed = self._sessions.seal(msgspec.msgpack.encode(session), _binding(grant, server))
        return SESSION_PREFIX + _text(sealed)

    def open_session(self, sealed: str, grant: str, server: str) -> Session | None:
        """None for every id that was not made for exactly this grant and server."""
        key = (sealed, grant, server)
        session = self._opened.get(key)
        if session is None:
            plain = _open(self._sessions.open, sealed, SESSION_PREFIX, _binding(grant, server))
            if plain is None:
                return None
            session = self._read_session.decode(plain)
            if len(self._opened) >= _REMEMBERED:
                self._opened.clear()
            self._opened[key] = session
        return session

    def seal_state(self, state: RequestState, grant: str, server: str) -> str:
        """The `requestState` that the client gets in place of the upstream's."""
        return STATE_PREFIX + _text(self._states.seal(msgspec.msgpack.encode(state), _binding(grant, server)))

    def open_state(self, sealed: str, grant: str, server: str) -> RequestState | None:
        """None for every state that was not made for exactly this grant and server; the caller checks the rest."""
        plain = _open(self._states.open, sealed, STATE_PREFIX, _binding(grant, server))
        return None if plain is None else self._read_state.decode(plain)


def _binding(grant: str, server: str) -> bytes:
    return f"{grant}\0{server}".encode()


def _text(sealed: bytes) -> str:
    return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode("ascii")


def _open(opener: Callable[[bytes, bytes], bytes], sealed: str, prefix: str, binding: bytes) -> bytes | None:
    if not sealed.startswith(prefix):
        return None
    body = sealed[len(prefix) :]
    try:
        raw = base64.b64decode(body + "=" * (-len(body) % 4), altchars=b"-_", validate=True)
        return opener(raw, binding)
    except (binascii.Error, ValueError, SealBroken):
        return None
