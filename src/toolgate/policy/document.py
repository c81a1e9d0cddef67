"""Policy documents: read strictly, validated whole, then trusted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import jiter

from toolgate.policy.entries import escape
from toolgate.policy.problems import PolicyError, Problem
from toolgate.policy.shape import find_problems

__all__ = ["Document", "PolicyError", "Problem", "parse"]


@dataclass(slots=True, frozen=True)
class Document:
    """A valid policy document. `raw` is its JSON value; numbers with fraction or exponent keep their text."""

    raw: dict[str, Any]

    @classmethod
    def trusted(cls, text: bytes | str) -> Document:
        """A document that `parse` accepted when it was stored: read, not validated again (20 times faster).

        Raises `PolicyError` only where the text is no JSON object.
        """
        value = _read(text)
        if type(value) is not dict:
            raise PolicyError([_NO_OBJECT])
        return cls(value)

    @classmethod
    def checked(cls, value: object) -> Document:
        """Validate a JSON value that is already read; raises `PolicyError` with every problem."""
        problems = list(find_problems(value))
        if problems:
            raise PolicyError(problems)
        assert type(value) is dict
        return cls(value)


_NO_OBJECT = Problem("", "the policy is no JSON object", 'begin with `{"version": "1", "default": "deny"}`')


def parse(text: bytes | str) -> Document:
    """Read and validate a document; raises `PolicyError` with every problem that it has."""
    return Document.checked(_read(text))


def _read(text: bytes | str) -> object:
    try:
        body = text.encode() if isinstance(text, str) else text
    except UnicodeEncodeError as error:
        raise PolicyError([Problem("", "the text holds a lone surrogate", "write it as UTF-8")]) from error
    try:
        return jiter.from_json(body, catch_duplicate_keys=True, float_mode="lossless-float", allow_inf_nan=False)
    except ValueError as error:
        problems = list(_duplicates(body))
        raise PolicyError(problems or [_unreadable(str(error))]) from error


def _unreadable(cause: str) -> Problem:
    return Problem("", f"the policy is not valid JSON: {cause}", "correct the JSON at that place")


class _Pairs(list[tuple[str, Any]]):
    """An object with every key that its text has."""


def _duplicates(body: bytes) -> Iterator[Problem]:
    """Every key that an object has twice; nothing where the text is no JSON for another reason."""
    try:
        value = json.loads(body.decode(), object_pairs_hook=_Pairs)
    except (ValueError, RecursionError):
        return
    yield from _doubled(value, "")


def _doubled(value: object, pointer: str) -> Iterator[Problem]:
    if isinstance(value, _Pairs):
        seen: set[str] = set()
        for key, item in value:
            place = f"{pointer}/{escape(key)}"
            if key in seen:
                yield Problem(place, f"the key `{key}` stands twice in one object", "remove one of them")
            seen.add(key)
            yield from _doubled(item, place)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _doubled(item, f"{pointer}/{index}")
