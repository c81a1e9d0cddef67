"""What a body says of a server, as the store takes it; and what only the operator may say."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path

from toolgate.control.api.refusals import Refused
from toolgate.control.api.shapes.servers import Credentials, FromEnvironment, NewServer, ServerChange
from toolgate.control.state import State
from toolgate.store import headers, variables
from toolgate.store.commands import check_command
from toolgate.store.errors import BadInput
from toolgate.store.headers import HeaderInput
from toolgate.store.names import shown
from toolgate.store.servers import Reach, Registration, Server

_OPERATOR = "starts programs on the gateway's machine, which the operator has not allowed from here"
_ENVIRONMENT = "reads the gateway's environment, which the operator has not allowed from here"


def registration(state: State, body: NewServer) -> Registration:
    """A server as it will be. Raises BadInput, Refused."""
    line = ["toolgate", "server", "add", body.name]
    words = _command(state, body.command, line)
    return Registration(
        url=body.url or "",
        command=words,
        reach=Reach(allow_private=body.allow_private),
        pin=body.pin,
        credentials=tuple(_credentials(state, words, body.headers, body.variables, line)),
    )


def amended(state: State, found: Server, body: ServerChange) -> tuple[Registration, list[str]]:
    """A server as it will be, and the names of headers or variables that go. Raises BadInput, Refused."""
    line = ["toolgate", "server", "set", found.name]
    if body.url is not None and body.command is not None:
        raise BadInput("/url", "a server has either a URL or a command", "give one of them")
    words = () if body.url is not None else _command(state, body.command, line) or found.command
    before = Reach() if words else found.reach
    private = before.allow_private if body.allow_private is None else body.allow_private
    changed = Registration(
        url="" if words else body.url or found.url,
        command=words,
        reach=Reach(private, before.ca_file, before.client_certificate, before.client_key, before.proxy),
        pin=found.pin if body.pin is None else body.pin,
        credentials=tuple(_credentials(state, words, body.headers, body.variables, line)),
    )
    # Headers mean nothing to a command and variables nothing to a URL: they go when the one becomes the other.
    turned = bool(words) != bool(found.command)
    return changed, list(found.headers) if turned else [_known(found, name) for name in body.without]


def _command(state: State, words: list[str] | None, line: list[str]) -> tuple[str, ...]:
    if words is None:
        return ()
    checked = check_command("/command", words, Path("/"))
    if not state.settings.allow_command_servers:
        raise _for_the_operator("/command", _OPERATOR, [*line, "--command", shlex.join(words)])
    return checked


def _credentials(
    state: State, words: tuple[str, ...], given: Credentials, environment: Credentials, line: list[str]
) -> Iterator[HeaderInput]:
    if words and given:
        raise BadInput("/headers", "means nothing for a command", "give it `variables`")
    if environment and not words:
        raise BadInput("/variables", "means nothing for a URL", "give it `headers`")
    _check_variables(state, given, "--header", ": ", line)
    _check_variables(state, environment, "--env", "=", line)
    for name, value in given.items():
        place = f"/headers/{shown(name)}"
        checked = headers.check_header(place, name)
        if isinstance(value, FromEnvironment):
            yield HeaderInput(checked, variable=headers.check_reference(place, value.env))
        else:
            yield HeaderInput(checked, value=headers.check_value(place, value.strip(" \t")))
    for name, value in environment.items():
        place = f"/variables/{shown(name)}"
        checked = variables.check_variable(place, name)
        if isinstance(value, FromEnvironment):
            yield HeaderInput(checked, variable=headers.check_reference(place, value.env))
        else:
            yield HeaderInput(checked, value=variables.check_value(place, value))


def _check_variables(state: State, given: Mapping[str, object], option: str, between: str, line: list[str]) -> None:
    """A reference to the environment could send any secret of the gateway's process to any server."""
    for name, value in given.items():
        if isinstance(value, FromEnvironment) and not state.settings.allow_command_servers:
            place = f"/{'headers' if option == '--header' else 'variables'}/{shown(name)}"
            raise _for_the_operator(place, _ENVIRONMENT, [*line, option, f"{name}{between}env:{value.env}"])


def _for_the_operator(place: str, cause: str, line: list[str]) -> Refused:
    mend = f"on that machine: `{shlex.join(line)}`; or start `toolgate serve` with --allow-command-servers"
    return Refused(403, "operator-only", "For the operator", place, cause, mend)


def _known(found: Server, name: str) -> str:
    """The header or variable as it is stored: headers in lower case, variables as they are."""
    for stored in (name, name.lower()):
        if stored in found.headers:
            return stored
    raise BadInput("/without", f"there is no header or variable `{shown(name)}`", "leave it out")
