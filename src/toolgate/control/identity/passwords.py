"""Passwords: argon2id with the second recommended parameters of RFC 9106 (3 passes over 64 MiB, 4 lanes)."""

from __future__ import annotations

import secrets
import unicodedata
from functools import lru_cache
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

from toolgate.store.errors import BadInput

SHORTEST: Final = 12
LONGEST: Final = 256

_HASHER: Final = PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)


def check(place: str, password: str, email: str) -> None:
    """Whether a password may be chosen. Raises BadInput, without the password."""
    length = len(_form(password))
    if not SHORTEST <= length <= LONGEST:
        cause = f"has {length} characters"
        raise BadInput(place, cause, f"choose {SHORTEST} to {LONGEST}; some words that do not belong together are good")
    if _form(password).casefold() == email.casefold():
        raise BadInput(place, "is the e-mail", "choose one that nobody who knows the e-mail could guess")


def hashed(password: str) -> str:
    """The argon2id string of a password. Takes about 0.1 s of processor time and 64 MiB."""
    return _HASHER.hash(_form(password))


def matches(stored: str | None, password: str) -> bool:
    """Whether the password is the one of the hash. Without a hash it takes the same time and is never right."""
    if len(password) > LONGEST:
        password = ""
    try:
        return _HASHER.verify(stored or _nobodys(), _form(password)) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


def outdated(stored: str) -> bool:
    """Whether the hash was made with other parameters than today's."""
    return _HASHER.check_needs_rehash(stored)


@lru_cache(maxsize=1)
def _nobodys() -> str:
    """What the passwords for unknown e-mails are compared with, so that the time tells nothing."""
    return _HASHER.hash(secrets.token_urlsafe(32))


def prepare() -> None:
    """Make what unknown e-mails need, so that not even the first one takes longer."""
    _nobodys()


def _form(password: str) -> str:
    """The same characters whatever keyboard composed them (RFC 8265, OpaqueString: form C)."""
    return unicodedata.normalize("NFC", password)
