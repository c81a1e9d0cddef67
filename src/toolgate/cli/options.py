"""Options that many commands share, and how examples stand in their help."""

from __future__ import annotations

import getpass
import time
from collections.abc import Sequence
from typing import Annotated

import typer

from toolgate.cli.places import data_directory as data_directory
from toolgate.store.errors import BadInput
from toolgate.store.moments import date, span
from toolgate.store.names import shown

DataOption = Annotated[
    str | None,
    typer.Option(
        "--data",
        envvar="TOOLGATE_DATA",
        metavar="DIR",
        help="The data directory; by default the one of this platform for this user.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
WaitOption = Annotated[
    float,
    typer.Option("--wait", metavar="SECONDS", help="How long running gateways may take to confirm the change."),
]
WAIT = 10.0

ApprovalWaitOption = Annotated[
    float,
    typer.Option(
        "--approval-wait",
        min=0,
        metavar="SECONDS",
        help="How long a call is held for a person before its client is told.",
    ),
]
SentOption = Annotated[
    list[str] | None,
    typer.Option(
        "--header", metavar="K: V", help='Sent to it: "Name: value", "Name: env:VARIABLE" or "Name: @file". Repeatable.'
    ),
]
AllowPrivateOption = Annotated[
    bool, typer.Option("--allow-private", help="Let the URL lead into private networks, and be plain http.")
]


def examples(*lines: str) -> str:
    """The examples at the end of a command's help, kept line by line."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


def actor() -> str:
    """Who runs this command, for the record of what administrators did."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):
        return "cli"


def moment(place: str, text: str) -> float | None:
    """`30d`, `12h`, an ISO date or time, or `never`: seconds since 1970, or None."""
    if text == "never":
        return None
    seconds = span(text)
    return date(place, text) if seconds is None else time.time() + seconds


def pairs(place: str, given: Sequence[str]) -> dict[str, str]:
    """`K=V` options as a mapping."""
    read: dict[str, str] = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not equals or key in read:
            cause = f"`{shown(text)}` is " + ("given twice" if equals else "not of the form K=V")
            raise BadInput(place, cause, "write each label once, as K=V")
        read[key] = value
    return read
