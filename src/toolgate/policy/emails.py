"""Addresses of mail, read so strictly that no reader finds another recipient in them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from toolgate.policy.urls import host_of_literal

_LOCAL = re.compile(r"[A-Za-z0-9#$&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9#$&'*+/=?^_`{|}~-]+)*", re.ASCII)
"""A dot-atom of RFC 5322 without `%` and `!`, which route to other domains."""


def domains(value: object) -> list[str] | None:
    """The domain of every address in a string (separated by commas or semicolons) or list of such strings.

    None where one of them is no bare address (display names, quotes, comments, routes), or where there is none.
    """
    texts = value if type(value) is list else [value]
    found = [domain for text in texts for domain in _domains(text)]
    return [domain for domain in found if domain] if found and all(found) else None


def _domains(text: object) -> Iterator[str]:
    if type(text) is not str:
        yield ""
        return
    for address in re.split("[,;]", text):
        yield _domain(address.strip(" "))


def _domain(address: str) -> str:
    local, at, domain = address.partition("@")
    host = host_of_literal(domain) if at and _LOCAL.fullmatch(local) and not domain.endswith(".") else None
    return host if type(host) is str else ""
