"""Joins the pieces of a long JSON text to one value."""

from __future__ import annotations

import json

from toolgate.protocol.json_cuts import Piece
from toolgate.protocol.json_rules import check_count, fold, keys_alike, parse, survey
from toolgate.protocol.malformed import Malformed

_CLOSING = bytes.maketrans(b"[{", b"]}")

Container = dict[str, object] | list[object]


class _Folds:
    """The folded keys of one object, spread over sixteen sets: enlarging one large set would hold everything up."""

    __slots__ = ("shares",)

    def __init__(self) -> None:
        self.shares: list[set[str]] = [set() for _ in range(16)]

    def add(self, key: str) -> bool:
        """Whether no key before reads like `key`."""
        folded = fold(key)
        share = self.shares[hash(folded) % 16]
        if folded in share:
            return False
        share.add(folded)
        return True


class Assembly:
    """Parses each piece within the containers that it continues and closes, and merges it into them.

    The text is read as the content of an array, so that `spine`, the containers still open, is never empty. `folds`
    holds the folded keys of those of them that are objects spread over several pieces.
    """

    __slots__ = ("body", "count", "folds", "place", "spine")

    def __init__(self, body: bytes, place: str) -> None:
        self.body = body
        self.place = place
        self.spine: list[Container] = [[]]
        self.folds: list[_Folds | None] = [None]
        self.count = 0

    def add(self, piece: Piece) -> None:
        """Parse one piece, check it, also against the pieces before it, and merge it."""
        base = len(self.spine) - 1 - piece.closers
        if base < 0:
            raise self._broken("closes more than it opened")
        value = parse(self._within_its_containers(piece, base), self.place)
        # what the head repeats is counted already; the array around the text is no level of the text's own
        self.count += survey(value, self.place, depth=base - 1) - (len(self.spine) - base)
        check_count(self.count, self.place)
        self._merge(base, value)
        del self.spine[base + 1 :], self.folds[base + 1 :]
        for _ in piece.openers:
            self.spine.append(self._last())
            self.folds.append(None)
        if not self.spine[-1]:
            raise self._broken("has a comma without a value before it")

    def value(self) -> object:
        """The one value of the text, after its last piece was added."""
        root = self.spine[0]
        if len(self.spine) != 1 or not isinstance(root, list) or len(root) != 1:
            raise self._broken("is not one whole JSON value")
        return root[0]

    def _within_its_containers(self, piece: Piece, base: int) -> bytes:
        """The text of the piece with the openings of the containers it continues and the closings of those it leaves.

        Only the containers that the piece closes, and the one around them, are repeated: each container is closed
        once, so all repetitions together are no longer than the text.
        """
        head = [_opening(container, inner=True) for container in self.spine[base:-1]]
        head.append(_opening(self.spine[-1], inner=False))
        left_open = _opening(self.spine[base], inner=False) + piece.openers
        return b"".join(head) + self.body[piece.start : piece.end] + left_open.translate(_CLOSING)[::-1]

    def _merge(self, base: int, value: object) -> None:
        part = value
        for level in range(base, len(self.spine) - 1):
            continued = self._take_first(part)
            self._extend(level, part)
            part = continued
        if not part:
            raise self._broken("has a comma without a value after it")
        self._extend(len(self.spine) - 1, part)

    def _take_first(self, part: object) -> object:
        if isinstance(part, dict):
            return part.pop(next(iter(part)))
        if isinstance(part, list):
            return part.pop(0)
        raise self._broken("mixes its brackets")

    def _extend(self, level: int, part: object) -> None:
        container = self.spine[level]
        if isinstance(container, dict) and isinstance(part, dict):
            self._check_keys(level, container, part)
            container.update(part)
        elif isinstance(container, list) and isinstance(part, list):
            container += part
        else:
            raise self._broken("mixes its brackets")

    def _check_keys(self, level: int, container: dict[str, object], part: dict[str, object]) -> None:
        """Refuse a key of `part` that is equal to, or folds to, one of the pieces before."""
        if not part:
            return
        seen = self.folds[level]
        if seen is None:
            seen = self.folds[level] = _Folds()
            for key in container:
                seen.add(key)
        for key in part:
            if not seen.add(key):
                raise keys_alike(self.place, key)

    def _last(self) -> Container:
        container = self.spine[-1]
        last = container[next(reversed(container))] if isinstance(container, dict) else container[-1]
        if not isinstance(last, dict | list):
            raise self._broken("mixes its brackets")
        return last

    def _broken(self, cause: str) -> Malformed:
        return Malformed(self.place, cause, "send one JSON value")


def _opening(container: Container, *, inner: bool) -> bytes:
    """What has to stand before the content of `container`, or with `inner` before that of its last child."""
    if isinstance(container, list):
        return b"["
    if not inner:
        return b"{"
    return b"{" + json.dumps(next(reversed(container)), ensure_ascii=False).encode() + b":"
