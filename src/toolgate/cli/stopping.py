"""`stop` and `resume` of `toolgate grant` and `toolgate server`: the switch that can be taken back."""

from __future__ import annotations

from typing import Annotated

import typer

from toolgate.cli import printing
from toolgate.cli.administration import Described
from toolgate.cli.chosen import administration
from toolgate.cli.options import WAIT, DataOption, JsonOption, WaitOption
from toolgate.cli.server_options import NameArgument

GrantArgument = Annotated[str, typer.Argument(metavar="GRANT", help="Label or id of the grant, or how its id begins.")]
ReasonOption = Annotated[
    str, typer.Option("--reason", metavar="TEXT", help="Why, in a line; the agents read it, and so do people.")
]


def stop_grant(
    grant: GrantArgument,
    reason: ReasonOption = "",
    data: DataOption = None,
    wait: WaitOption = WAIT,
    as_json: JsonOption = False,
) -> None:
    """Deny every call of a grant until it is resumed, and end what is under way.

    Returns when every running gateway of this machine does. Calls that wait for a person are refused. To refuse the
    token for good, revoke the grant.
    """
    place = administration(data)
    stopped = place.stop_grant(grant, reason)
    _print(stopped, f"stopped {stopped['label']}", as_json)
    place.confirm(wait)


def resume_grant(
    grant: GrantArgument, data: DataOption = None, wait: WaitOption = WAIT, as_json: JsonOption = False
) -> None:
    """Let a stopped grant go on, with the token and the sessions that it had."""
    place = administration(data)
    resumed = place.resume_grant(grant)
    _print(resumed, f"{resumed['label']} goes on", as_json)
    place.confirm(wait)


def stop_server(
    server: NameArgument,
    reason: ReasonOption = "",
    data: DataOption = None,
    wait: WaitOption = WAIT,
    as_json: JsonOption = False,
) -> None:
    """Deny every call of a server, of all grants, until it is resumed, and end what is under way.

    Returns when every running gateway of this machine does. Calls that wait for a person are refused, and processes
    that the gateway started for it are ended.
    """
    place = administration(data)
    stopped = place.stop_server(server, reason)
    _print(stopped, f"stopped {stopped['name']} for its {stopped['grants']} grants", as_json)
    place.confirm(wait)


def resume_server(
    server: NameArgument, data: DataOption = None, wait: WaitOption = WAIT, as_json: JsonOption = False
) -> None:
    """Let a stopped server go on. A grant that was stopped by itself stays so."""
    place = administration(data)
    resumed = place.resume_server(server)
    _print(resumed, f"{resumed['name']} goes on", as_json)
    place.confirm(wait)


def stop_line(stop: Described | None) -> str | None:
    """A stop as one line, for lists of facts."""
    if stop is None:
        return None
    return f"since {stop['at']}, by {stop['by']}" + (f": {stop['reason']}" if stop["reason"] else "")


def _print(changed: Described, line: str, as_json: bool) -> None:
    if as_json:
        printing.emit_json(changed)
    else:
        printing.say(line)
