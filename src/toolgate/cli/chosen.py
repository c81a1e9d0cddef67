"""Which installation a command works on: a data directory of this machine, or one elsewhere."""

from __future__ import annotations

import os
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from toolgate.store.errors import BadInput
from toolgate.store.names import shown

if TYPE_CHECKING:  # the store behind it takes its time to load, and help needs none of it
    from toolgate.cli.administration import Administration


@dataclass(slots=True, frozen=True)
class Elsewhere:
    """An installation by the address of its control plane, and the API token for it."""

    url: str
    token: str


_chosen: ContextVar[Elsewhere | None] = ContextVar("installation", default=None)


def choose(url: str | None, token: str | None) -> None:
    """Take note of `--url` and `--token`. Raises BadInput."""
    if not url:
        _chosen.set(None)
        return
    if not token:
        raise BadInput("--token", "is missing", "make one with `toolgate token add`, or in the dashboard's settings")
    _chosen.set(Elsewhere(_checked(url), _opened(token)))


def administration(data: str | None) -> Administration:
    """The installation that `--url` names, else the data directory of `--data`. Raises ToolgateError."""
    # Imported here: what one of them needs, the other does not, and help needs neither.
    elsewhere = _chosen.get()
    if elsewhere is not None:
        from toolgate.cli.remote import Remote

        return Remote(elsewhere.url, elsewhere.token)
    from toolgate.cli.installation import Installation
    from toolgate.cli.local import Local

    return Local(Installation.at(data))


def refuse_elsewhere() -> None:
    """For what can only be done where the data directory is. Raises BadInput."""
    if _chosen.get() is not None:
        mend = "run it on the machine of the gateway, without --url and TOOLGATE_URL"
        raise BadInput("--url", "this command works on a data directory", mend)


def _checked(url: str) -> str:
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.query and not parts.fragment
    except ValueError:
        good = False
    if not good or "@" in url or not url.isprintable():
        raise BadInput("--url", f"`{shown(url)}` is not the address of a dashboard", "write it as https://host:8485")
    return url.rstrip("/")


def _opened(token: str) -> str:
    """The token itself, or what the variable or file that it names holds."""
    if token.startswith("env:"):
        found = os.environ.get(token[4:], "")
    elif token.startswith("@"):
        try:
            found = Path(token[1:]).read_text(encoding="ascii").strip()
        except (OSError, ValueError) as error:
            raise BadInput("--token", f"`{shown(token[1:])}` cannot be read", "check the path after `@`") from error
    else:
        found = token
    if not found.isascii() or not found.isprintable() or not found or " " in found:
        raise BadInput("--token", "is empty, or no token", "it looks like tgt_...")
    return found
