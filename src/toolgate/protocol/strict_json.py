"""Reads a body as exactly one JSON value with exactly one meaning, or refuses it (gateway.md, step 3).

Two readers of accepted bytes cannot disagree about what they mean, so the gateway judges the value and forwards the
original bytes. Refused are: what is not UTF-8 or begins with a BOM, more than one value, keys of one object that are
equal after unescaping, case folding and NFKC, NaN and Infinity, numbers beyond the range of doubles, lone surrogates,
more than 64 levels and more than 100,000 values.
"""

from __future__ import annotations

from collections.abc import Generator

from toolgate.protocol.json_assembly import Assembly
from toolgate.protocol.json_cuts import pieces
from toolgate.protocol.json_rules import MAX_DEPTH, MAX_NODES, check_count, fold, parse, survey
from toolgate.protocol.malformed import Malformed

__all__ = ["MAX_DEPTH", "MAX_NODES", "SHORT", "Malformed", "fold", "read", "read_slowly"]

SHORT = 32 * 1024
"""Bytes up to which `read` never takes longer than a few milliseconds."""

_PLACE = "body"


def read(body: bytes) -> object:
    """Read the whole body at once. Integers become int, other numbers jiter.LosslessFloat (their text is kept)."""
    value = parse(body, _PLACE)
    check_count(survey(value, _PLACE), _PLACE)
    return value


def read_slowly(body: bytes) -> Generator[None, None, object]:
    """Read as `read` does, same value or a refusal as well, yielding every millisecond or so.

    A single string is read in one go, at up to 4 ms a megabyte. StopIteration carries the value.
    """
    assembly = Assembly(body, _PLACE)
    for piece in pieces(body, _PLACE):
        if piece is not None:
            assembly.add(piece)
        yield
    return assembly.value()
