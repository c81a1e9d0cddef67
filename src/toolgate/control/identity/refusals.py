"""Why somebody is not served: each with the HTTP status that says so."""

from __future__ import annotations

from typing import ClassVar

from toolgate.errors import ToolgateError


class Refusal(ToolgateError):
    """A request that is not served because of who asks."""

    status: ClassVar[int]


class NotSignedIn(Refusal):
    """Nobody is recognised."""

    status = 401


class NotAllowed(Refusal):
    """Somebody is recognised who may not do this."""

    status = 403


class Forged(Refusal):
    """A request with a session that its own pages did not make."""

    status = 403


class TooLarge(Refusal):
    """A request that is longer than any that means something."""

    status = 413


class TooMany(Refusal):
    """Too many tries; `after` is the seconds until the next one is judged."""

    status = 429

    def __init__(self, place: str, cause: str, mend: str, after: int) -> None:
        super().__init__(place, cause, mend)
        self.after = after
