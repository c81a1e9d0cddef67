"""What the REST API itself refuses, before or beside the store: each with its HTTP status."""

from __future__ import annotations

from collections.abc import Mapping

from toolgate.errors import ToolgateError


class Refused(ToolgateError):
    """A request that is refused for its form. `kind` is a word that stays the same, for programs."""

    def __init__(
        self,
        status: int,
        kind: str,
        title: str,
        place: str,
        cause: str,
        mend: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(place, cause, mend)
        self.status = status
        self.kind = kind
        self.title = title
        self.headers = dict(headers or {})
