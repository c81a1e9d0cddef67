"""How a server is described on the command line, for `server add` and `server set`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from toolgate.store import headers, variables
from toolgate.store.commands import parse_command
from toolgate.store.errors import BadInput
from toolgate.store.names import shown

NameArgument = Annotated[str, typer.Argument(metavar="SERVER", help="Name or id of the server.")]
NewNameArgument = Annotated[str, typer.Argument(metavar="NAME", help="How you will call it.")]
UrlOption = Annotated[str | None, typer.Option("--url", metavar="URL", help="The MCP endpoint of the server.")]
CommandOption = Annotated[
    str | None,
    typer.Option("--command", metavar='"CMD ARG ..."', help="Start this program instead, and speak over its stdio."),
]
HeaderOption = Annotated[
    list[str] | None,
    typer.Option(
        "--header",
        metavar='"K: V|env:NAME|@file"',
        help="A credential for the server: sealed here, or read from the gateway's environment. Repeatable.",
    ),
]
EnvOption = Annotated[
    list[str] | None,
    typer.Option(
        "--env",
        metavar='"K=V|env:NAME|@file"',
        help="A variable for the command: sealed here, or read from the gateway's environment. Repeatable.",
    ),
]
PrivateOption = Annotated[
    bool, typer.Option("--allow-private", help="The server is in a private network, or speaks plain http.")
]
PinOption = Annotated[bool, typer.Option("--pin", help="Withhold new and changed tools until somebody accepts them.")]
CaOption = Annotated[
    Path | None, typer.Option("--ca-file", metavar="FILE", help="Trust this certificate authority alone.")
]
CertificateOption = Annotated[
    Path | None, typer.Option("--client-certificate", metavar="FILE", help="Show the server this certificate.")
]
KeyOption = Annotated[Path | None, typer.Option("--client-key", metavar="FILE", help="Its private key.")]


def words_of(url: str | None, command: str | None) -> tuple[str, ...]:
    """The words of the command; none where a URL was given."""
    if (url is None) == (command is None):
        raise BadInput("--url", "a server has either a URL or a command", "give one of --url and --command")
    return () if command is None else parse_command("--command", command, Path.cwd())


def credentials_of(
    words: Sequence[str], header: Sequence[str] | None, env: Sequence[str] | None
) -> list[headers.HeaderInput]:
    """Headers for a URL, variables for a command; the other kind would reach nobody, so it is refused."""
    if words and header:
        raise BadInput("--header", "means nothing for a command", "give it a variable with --env")
    if env and not words:
        raise BadInput("--env", "means nothing for a URL", "give it a header with --header")
    return [headers.parse_header(text) for text in header or []] + [
        variables.parse_variable(text) for text in env or []
    ]


def file_of(option: str, path: Path | None) -> str | None:
    """The whole path of a file that the gateway will read; it must be there now."""
    if path is None:
        return None
    if not os.path.isfile(path):  # unlike Path's, it takes a name that no file can have for no file
        raise BadInput(option, f"`{shown(str(path))}` is not a file", "check the path")
    return str(path.absolute())


def check_pair(certificate: str | None, key: str | None) -> None:
    """A key without its certificate proves nothing."""
    if key is not None and certificate is None:
        raise BadInput("--client-key", "goes together with --client-certificate", "give both")
