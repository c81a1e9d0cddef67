"""Forms whose work must not be done twice: each carries a number that is used up in the transaction of its work."""

from __future__ import annotations

import hashlib
import secrets

from toolgate.keys import Sealer
from toolgate.store import idempotency
from toolgate.store.database import Writing
from toolgate.store.errors import BadInput, Conflict

FIELD = "once"
_PREFIX = "form:"
_LONGEST = 64


class SentAlready(Conflict):
    """The form did its work before; `made` is the id of what it made or changed then."""

    def __init__(self, made: str) -> None:
        self.made = made
        super().__init__("form", "was sent already", "load the page again to do it once more")


def number() -> str:
    """A number for a new form."""
    return secrets.token_urlsafe(16)


def use_up(change: Writing, given: str, made: str, sealer: Sealer) -> None:
    """Use up the number of a form for what is made in this transaction. Raises SentAlready, BadInput.

    `sealer` is that of `idempotency.PURPOSE`.
    """
    if not given or len(given) > _LONGEST or not given.isascii() or not given.isprintable():
        raise BadInput("form", "has no number of its own", "load the page again")
    key, request = _PREFIX + given, hashlib.sha256(given.encode()).digest()
    before = idempotency.recall(change, key, request, sealer)
    if before is not None:
        raise SentAlready(before.decode())
    idempotency.remember(change, key, request, made.encode(), sealer)
