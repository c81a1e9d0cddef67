"""The header fields of one message."""

from __future__ import annotations

from collections.abc import Iterator


class Headers:
    """Fields as they arrived, names in lower case, values without surrounding white space.

    Nobody here ever chooses between repeated fields: `get` joins them with a comma, as RFC 9110 section 5.2 reads them,
    so that a repeated field that must be single fails whatever check its value meets; `getall` keeps them apart.
    """

    __slots__ = ("_first", "_repeated", "memo")

    def __init__(self, first: dict[bytes, bytes], repeated: list[tuple[bytes, bytes]] | None = None) -> None:
        self._first = first
        self._repeated = repeated
        self.memo: object = None
        """For the handler: what it made of this head, which comes again with each request that repeats it."""

    def get(self, name: bytes) -> bytes | None:
        """Give the value of a field (`name` in lower case), repeated ones joined with `, `; None when absent."""
        if self._repeated is None:
            return self._first.get(name)
        return b", ".join(self.getall(name)) if name in self._first else None

    def count(self, name: bytes) -> int:
        """Tell how often a field came."""
        if self._repeated is None:
            return int(name in self._first)
        return len(self.getall(name))

    def getall(self, name: bytes) -> list[bytes]:
        """Give every value of a field in the order of arrival."""
        return [value for key, value in self if key == name]

    def __iter__(self) -> Iterator[tuple[bytes, bytes]]:
        """Give all pairs; repeated fields keep their order among themselves, behind the others."""
        yield from self._first.items()
        yield from self._repeated or ()

    def __contains__(self, name: bytes) -> bool:
        return name in self._first

    def __len__(self) -> int:
        return len(self._first) + len(self._repeated or ())

    def __repr__(self) -> str:
        # Values may be credentials: a repr lands in logs.
        return f"Headers({sorted(name.decode('latin-1') for name in self._first)})"
