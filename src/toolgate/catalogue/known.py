"""MCP servers that many people use: what they are, where they are, and how one signs in to them."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from typing import Final, Literal, TypeAlias

import msgspec

SignIn: TypeAlias = Literal["oauth", "token", "none"]
"""By a person who agrees at the server's own pages, with a secret that somebody made there, or not at all."""

Category: TypeAlias = Literal[
    "browser",
    "communication",
    "customers",
    "data",
    "design",
    "development",
    "files",
    "knowledge",
    "money",
    "operations",
    "planning",
    "search",
]


class Known(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One known server: reached at its `url`, or started by its `command`.

    `id` is a name to register it under. `header` is how a token goes with each request, the secret written as
    `<what it is called there>`; `variables` are what a command reads its secrets from. `note` is what to know before.
    """

    id: str
    title: str
    vendor: str
    category: Category
    about: str
    sign_in: SignIn
    url: str = ""
    command: str = ""
    header: str = ""
    variables: tuple[str, ...] = ()
    note: str = ""

    def holds(self, word: str) -> bool:
        """Whether a word (in lower case) is part of what is said of it."""
        said = (self.id, self.title, self.vendor, self.category, self.about, self.url, self.command)
        return any(word in text.lower() for text in said)


SERVERS: Final[tuple[Known, ...]] = msgspec.json.decode(
    (files("toolgate.catalogue") / "known_servers.json").read_bytes(), type=tuple[Known, ...]
)
"""All of them, remote ones first."""

_BY_ID: Final = {server.id: server for server in SERVERS}


def known(id_: str) -> Known | None:
    """The one with this id."""
    return _BY_ID.get(id_)


def search(text: str, servers: Sequence[Known] = SERVERS) -> list[Known]:
    """Those of which every word of the text is part, those named so first; all for no word."""
    words = text.lower().split()
    found = [server for server in servers if all(server.holds(word) for word in words)]
    return sorted(found, key=lambda server: not all(word in server.title.lower() for word in words))
