"""Numbers as a condition or a cost reads them: exact decimals, or nothing.

A numeral that a double would change means different things to different servers, so it is not a number here: it must
survive double precision and have at most 32 digits when written out.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_CEILING, Decimal
from math import isfinite

from jiter import LosslessFloat

from toolgate.policy.decision import NANO

DIGITS = 32
_SAFE = 2**53
_BOUND = 10**DIGITS
_NANO = Decimal(NANO)

Number = int | Decimal


def exact(value: object) -> Number | None:
    """The number that `value` is; None where it is no number (booleans are none) or one that no rule may read."""
    kind = type(value)
    if kind is int:
        if -_SAFE <= value <= _SAFE:  # type: ignore[operator]
            return value  # type: ignore[return-value]
        return _integer(value)  # type: ignore[arg-type]
    if kind is LosslessFloat:
        return _decimal(str(value))
    if kind is float or kind is Decimal:
        return _decimal(repr(value) if kind is float else str(value))
    return None


def _integer(value: int) -> int | None:
    if not -_BOUND < value < _BOUND:
        return None
    return value if Decimal(repr(float(value))) == value else None


def _decimal(text: str) -> Decimal | None:
    double = float(text)
    if not isfinite(double):
        return None
    number = Decimal(text)
    if number != Decimal(repr(double)):
        return None
    _, digits, exponent = number.as_tuple()
    assert isinstance(exponent, int)  # finite
    written = len(digits) + exponent if exponent >= 0 else max(len(digits), -exponent)
    return number if written <= DIGITS else None


def nano(number: Number) -> int:
    """The number in units of 10**-9, rounded up: what is charged is never less than what is asked."""
    if type(number) is int:
        return number * NANO
    return int((number * _NANO).to_integral_value(rounding=ROUND_CEILING))


def is_nano_exact(number: Number) -> bool:
    """Whether nine fraction digits hold the number."""
    return type(number) is int or number * _NANO == (number * _NANO).to_integral_value()


def keeps_text(value: object) -> bool:
    """Whether a `LosslessFloat` is somewhere in the value."""
    if type(value) is dict:
        inner: Iterable[object] = value.values()
    elif type(value) is list:
        inner = value
    else:
        return type(value) is LosslessFloat
    for item in inner:  # on every call with a schema: a loop costs half of what `any` does
        kind = type(item)
        if kind is LosslessFloat or ((kind is dict or kind is list) and keeps_text(item)):
            return True
    return False


def plain(value: object) -> object:
    """`value` with each `LosslessFloat` as a double, for libraries that know no other; the containers are new."""
    if type(value) is LosslessFloat:
        return float(value)
    if type(value) is dict:
        return {key: plain(item) for key, item in value.items()}
    if type(value) is list:
        return [plain(item) for item in value]
    return value
