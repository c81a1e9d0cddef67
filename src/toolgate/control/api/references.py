"""Things that a body refers to: one that is not there is a fault of the body, not of the path."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from toolgate.store.errors import BadInput, NotStored


@contextmanager
def named_in_body() -> Iterator[None]:
    """What is not stored, or belongs to another organisation, becomes BadInput at its field."""
    try:
        yield
    except NotStored as error:
        raise BadInput(f"/{error.place}", error.cause, error.mend) from None


@contextmanager
def in_query() -> Iterator[None]:
    """A fault of a parameter is told as one."""
    try:
        yield
    except BadInput as error:
        raise BadInput(f"query {error.place}", error.cause, error.mend) from None
