"""What can go wrong on the wire, each with what its catcher must know."""

from __future__ import annotations

from toolgate.errors import ToolgateError


class Refused(ToolgateError):
    """A request that is not served: `status` is the answer, after which the connection closes."""

    def __init__(self, status: int, cause: str) -> None:
        self.status = status
        super().__init__("request", cause)


class BodyTooLarge(ToolgateError):
    """The request's body is longer than its reader allows; the rest of it will not be read."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        super().__init__("request body", f"it is longer than {limit} bytes")


class UpstreamError(ToolgateError):
    """An exchange with a server that did not bring a whole answer.

    `sent` is False only when no byte of the request can have reached the server's application; True means unknown.
    """

    def __init__(self, place: str, cause: str, *, sent: bool) -> None:
        self.sent = sent
        super().__init__(place, cause)


class ConnectFailed(UpstreamError):
    """No address of the origin could be reached, or TLS with it failed."""

    def __init__(self, place: str, cause: str) -> None:
        super().__init__(place, cause, sent=False)


class PoolFull(UpstreamError):
    """All connections are busy and the queue is full, or the queue's time is over, or the pool is closed."""

    def __init__(self, place: str, cause: str) -> None:
        super().__init__(place, cause, sent=False)


class Lost(UpstreamError):
    """The connection ended before the answer was whole."""

    def __init__(self, place: str, cause: str) -> None:
        super().__init__(place, cause, sent=True)


class TimedOut(UpstreamError):
    """The time given to the exchange is over."""


class BadAnswer(UpstreamError):
    """The answer is not HTTP/1.1, can be framed in two ways, or is larger than its reader allows."""

    def __init__(self, place: str, cause: str) -> None:
        super().__init__(place, cause, sent=True)
