"""Which server somebody means who gives its name, its repository, its package or its address."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from toolgate.catalogue.entries import ServerEntry
from toolgate.catalogue.identity import repository_of
from toolgate.catalogue.store import Catalogue

_VERSION: Final = re.compile(r"(?<=.)@[^/@]*$")
_FORGES: Final = frozenset({"bitbucket.org", "codeberg.org", "github.com", "gitlab.com"})
_ALIKE: Final = 5


@dataclass(slots=True, frozen=True)
class Meant:
    """`server` is None where no server fits, or several that have nothing but a part of their name in common."""

    server: ServerEntry | None
    others: tuple[ServerEntry, ...] = ()


def find(catalogue: Catalogue, asked: str, organisation: str) -> Meant:
    """The server that is meant: by its whole name, repository, package, address, then by the last part of its name."""
    entries = catalogue.all_servers(organisation)
    for fits in _whole(asked.strip()):
        if found := _best_first(entry for entry in entries if fits(entry)):
            return Meant(found[0], tuple(found[1:]))
    last = asked.strip().lower()
    called = _best_first(entry for entry in entries if entry.name.lower().rpartition("/")[2] == last)
    if len(called) == 1:
        return Meant(called[0])
    alike = called or catalogue.servers(sought=asked, organisation=organisation, limit=_ALIKE).items
    return Meant(None, tuple(alike))


def _whole(asked: str) -> tuple[Callable[[ServerEntry], bool], ...]:
    name, repository, package, address = asked.lower(), _repository(asked), _package(asked), _address(asked)
    return (
        lambda entry: entry.name == asked,
        lambda entry: name in (entry.name.lower(), entry.slug),
        lambda entry: bool(repository) and repository_of(entry.repository) == repository,
        lambda entry: bool(package) and _package(entry.package) == package,
        lambda entry: bool(address) and _address(entry.url) == address,
    )


def _best_first(entries: Iterable[ServerEntry]) -> list[ServerEntry]:
    """Those that this installation asked itself, then those of which most is known."""
    return sorted(entries, key=lambda entry: (entry.source != "scan", -entry.tools, entry.slug))


def _repository(text: str) -> str:
    """`owner/name` of the same or of an address at a place where repositories are."""
    address = _address(text)
    if not address:
        return repository_of(text)
    host, _, path = address.removeprefix("www.").partition("/")
    return repository_of(path) if host in _FORGES else ""


def _package(text: str) -> str:
    """`@owner/name` of `npm:@owner/name@1.2` and of a command that ends with it; "" for an address."""
    word = text.split()[-1].lower() if text.strip() else ""
    if "://" in word:
        return ""
    return _VERSION.sub("", word.rpartition(":")[2])


def _address(text: str) -> str:
    """Host and path; "" for what is no address."""
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not host:
        return ""
    return f"{host}{f':{port}' if port else ''}{parts.path.rstrip('/')}"
