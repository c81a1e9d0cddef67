"""Which repository or package a server is, told from what a list calls it. Pure."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

from toolgate.catalogue.entries import ServerFacts

_LISTINGS: Final = frozenset(("smithery", "docker", "mcpm", "livemcp", "composio"))
"""Lists that name servers in their own way, as `docker/name`."""
_PART: Final = re.compile(r"[A-Za-z0-9._-]{1,100}")


def facts_of(name: str) -> ServerFacts:
    """`owner/name` (and what lies in it) is a repository, `npm/name` and `npm/scope/name` a package."""
    first, *rest = name.split("/")
    if not rest or not all(_PART.fullmatch(part) for part in (first, *rest)) or first in _LISTINGS:
        return ServerFacts(name)
    if first == "npm":
        return ServerFacts(name, package=f"npm:{'@' if len(rest) > 1 else ''}{'/'.join(rest)}")
    return ServerFacts(name, repository=f"{first}/{rest[0]}")


def repository_of(text: str) -> str:
    """`owner/name` in lower case, of the same or of a URL; "" for anything else, also for a folder behind `#`."""
    try:
        address = urlsplit(text)
    except ValueError:
        return ""
    path = "" if address.fragment else address.path
    parts = path.strip("/").removesuffix(".git").split("/")
    if len(parts) != 2 or not all(_PART.fullmatch(part) for part in parts):
        return ""
    return "/".join(parts).lower()


def owns_repository(facts: ServerFacts) -> bool:
    """Whether a registered name is that of its repository's owner.

    A registry checks who may name a server `io.github.owner/...`, and not which repository an entry claims.
    """
    owner = repository_of(facts.repository).partition("/")[0]
    return bool(owner) and facts.name.lower().startswith(f"io.github.{owner}/")
