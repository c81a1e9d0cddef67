"""The refusal of a message that has no meaning, or more than one."""

from __future__ import annotations

from toolgate.errors import ToolgateError

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
INVALID_PARAMS = -32602
HEADER_MISMATCH = -32020
UNSUPPORTED_VERSION = -32022

MessageId = str | int


class Malformed(ToolgateError):
    """A message to be answered with a JSON-RPC error in HTTP 400 and never to be forwarded.

    `code` is the JSON-RPC error code to answer, `id` the message's id where it could be read (else None, which
    JSON-RPC writes as null). `data` goes into the error's `data` where a specification prescribes it.
    """

    def __init__(
        self,
        place: str,
        cause: str,
        mend: str = "",
        *,
        code: int = PARSE_ERROR,
        message_id: MessageId | None = None,
        data: dict[str, object] | None = None,
    ) -> None:
        super().__init__(place, cause, mend)
        self.code = code
        self.id = message_id
        self.data = data
