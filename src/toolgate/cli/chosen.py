"""Which installation a command works on: a data directory of this machine, or one elsewhere."""

from __future__ import annotations

import os
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from toolgate.store.errors import BadInput
from toolgate.store.names import shown

if TYPE_CHECKING:  # the store behind it takes its time to load, and help needs none of it
    from toolgate.cli.administration import Administration
    from toolgate.cli.exchange import Exchange
    from toolgate.cli.log import Log
    from toolgate.cli.people import People

_LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")


@dataclass(slots=True, frozen=True)
class Elsewhere:
    """An installation by the address of its control plane, and the API token for it."""

    url: str
    token: str


_chosen: ContextVar[Elsewhere | None] = ContextVar("installation", default=None)
_exchange: ContextVar[Exchange | None] = ContextVar("exchange", default=None)


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

        return Remote(_speaking_to(elsewhere))
    from toolgate.cli.installation import Installation
    from toolgate.cli.local import Local

    return Local(Installation.at(data))


def people(data: str | None, organisation: str | None = None) -> People:
    """Who may administer that installation, in one organisation of it. Raises ToolgateError."""
    elsewhere = _chosen.get()
    if elsewhere is not None:
        from toolgate.cli.people_elsewhere import PeopleElsewhere

        if organisation is not None:
            mend = "give a token of that organisation, or run it on the machine of the gateway"
            raise BadInput("--organisation", "is said by the API token, which belongs to one", mend)
        return PeopleElsewhere(_speaking_to(elsewhere))
    from toolgate.cli.installation import Installation
    from toolgate.cli.people_here import PeopleHere

    return PeopleHere(Installation.at(data), organisation)


def log(data: str | None) -> Log:
    """The records of that installation. Raises ToolgateError."""
    elsewhere = _chosen.get()
    if elsewhere is not None:
        from toolgate.cli.log_elsewhere import LogElsewhere

        return LogElsewhere(_speaking_to(elsewhere))
    from toolgate.cli.installation import Installation
    from toolgate.cli.log_here import LogHere

    return LogHere(Installation.at(data).data)


def leave() -> None:
    """Free the connections of a command that has ended."""
    exchange = _exchange.get()
    if exchange is not None:
        exchange.close()
        _exchange.set(None)


def refuse_elsewhere(mend: str = "run it on the machine of the gateway, without --url and TOOLGATE_URL") -> None:
    """For what can only be done where the data directory is. Raises BadInput."""
    if _chosen.get() is not None:
        raise BadInput("--url", "this command works on a data directory", mend)


def _speaking_to(elsewhere: Elsewhere) -> Exchange:
    from toolgate.cli.exchange import Exchange

    exchange = Exchange(elsewhere.url, elsewhere.token)
    _exchange.set(exchange)
    return exchange


def _checked(url: str) -> str:
    try:
        parts = urlsplit(url)
        good = (
            parts.port != 0
            and parts.scheme in ("http", "https")
            and bool(parts.hostname)
            and not parts.query
            and not parts.fragment
        )
    except ValueError:
        good = False
    if not good or "@" in url or not url.isprintable():
        raise BadInput("--url", f"`{shown(url)}` is not the address of a dashboard", "write it as https://host:8485")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        # Imported here: `toolgate run` comes through this module, and loads nothing that prints.
        from toolgate.cli import printing

        printing.warn("--url", "the API token and all answers travel in the clear", "use https")
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
