"""`toolgate server set`: another way to a server that stays the same for agents, grants and records."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Annotated

import typer

from toolgate.cli import printing
from toolgate.cli.administration import Described
from toolgate.cli.chosen import administration
from toolgate.cli.options import WAIT, DataOption, JsonOption, WaitOption
from toolgate.cli.server_options import (
    CommandOption,
    EnvOption,
    HeaderOption,
    NameArgument,
    UrlOption,
    check_pair,
    credentials_of,
    file_of,
    words_of,
)
from toolgate.store.errors import BadInput
from toolgate.store.names import shown
from toolgate.store.servers import Reach, Registration

FileText = Annotated[str | None, typer.Option(metavar="FILE", help="Another file; an empty text takes it away.")]


def set_server(  # noqa: PLR0913, PLR0917 - typer declares options as parameters
    server: NameArgument,
    url: UrlOption = None,
    command: CommandOption = None,
    header: HeaderOption = None,
    env: EnvOption = None,
    without: Annotated[
        list[str] | None,
        typer.Option("--without", metavar="NAME", help="Delete this header or variable. Repeatable."),
    ] = None,
    allow_private: Annotated[
        bool | None, typer.Option("--allow-private/--no-allow-private", help="Whether its network may be private.")
    ] = None,
    pin: Annotated[
        bool | None, typer.Option("--pin/--no-pin", help="Whether new and changed tools are withheld.")
    ] = None,
    ca_file: FileText = None,
    client_certificate: FileText = None,
    client_key: FileText = None,
    capture: Annotated[
        int | None,
        typer.Option(
            "--capture", min=0, metavar="DAYS", help="Keep what calls say for so many days, sealed; 0 for not any more."
        ),
    ] = None,
    data: DataOption = None,
    wait: WaitOption = WAIT,
    as_json: JsonOption = False,
) -> None:
    """Change how a server is reached; what is not named stays.

    Its id, its grants and its address at the gateway stay; open streams to it end. The tools it shows from now on are
    fetched, and those that differ are withheld where it is pinned.
    """
    place = administration(data)
    found = place.server(server)
    words = words_of(url, command) if url is not None or command is not None else tuple(found["command"] or ())
    files = {"ca_file": ca_file, "client_certificate": client_certificate, "client_key": client_key}
    registration = Registration(
        url=url or ("" if words else found["url"]),
        command=words,
        reach=_reach(found, words, allow_private, files),
        pin=found["pin"] if pin is None else pin,
        credentials=tuple(credentials_of(words, header, env)),
    )
    if capture is not None:
        place.capture_server(found["id"], capture or None)
    changed = place.change_server(found["id"], registration, _dropped(found, words, without or []))
    _print(changed, as_json)
    place.confirm(wait)


def registration_of(found: Described, *, pin: bool) -> Registration:
    """A server as it is registered, pinned or not; its credentials stay as they are."""
    words = tuple(found["command"] or ())
    return Registration(url=found["url"] or "", command=words, reach=_reach_now(found, words), pin=pin)


def _reach_now(found: Described, words: tuple[str, ...]) -> Reach:
    """The settings of its connection; a command has none."""
    return Reach() if words else Reach(**{field.name: found[field.name] for field in fields(Reach)})


def _reach(found: Described, words: tuple[str, ...], allow_private: bool | None, files: dict[str, str | None]) -> Reach:
    """The settings as they will be; those of a connection go with it when a command takes its place."""
    before = _reach_now(found, words)
    reach = Reach(
        allow_private=before.allow_private if allow_private is None else allow_private,
        ca_file=_file("ca_file", files["ca_file"], before.ca_file),
        client_certificate=_file("client_certificate", files["client_certificate"], before.client_certificate),
        client_key=_file("client_key", files["client_key"], before.client_key),
        proxy=before.proxy,
    )
    check_pair(reach.client_certificate, reach.client_key)
    return reach


def _file(name: str, text: str | None, before: str | None) -> str | None:
    if text is None:
        return before
    return file_of(f"--{name.replace('_', '-')}", Path(text)) if text else None


def _dropped(found: Described, words: tuple[str, ...], without: list[str]) -> list[str]:
    """Headers mean nothing to a command and variables nothing to a URL: they go when the one becomes the other."""
    if bool(words) != bool(found["command"]):
        return list(found["headers"])
    return [_named(found, name) for name in without]


def _named(found: Described, name: str) -> str:
    """The header or variable as it is stored: headers in lower case, variables as they are."""
    for stored in (name, name.lower()):
        if stored in found["headers"]:
            return stored
    cause = f"there is no header or variable `{shown(name)}`"
    raise BadInput("--without", cause, "`toolgate server show` lists them")


def _print(server: Described, as_json: bool) -> None:
    if as_json:
        printing.emit_json({name: server[name] for name in ("id", "name", "url", "tools")})
    else:
        printing.say(f"{server['name']} is changed, with {server['tools']} tools")
