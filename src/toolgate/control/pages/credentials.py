"""Static headers and variables as forms give them. A value is never shown again, and no file of the machine is read.

A reference to the gateway's environment could send any secret of its process to any server: only where the operator
allows commands from here, too, it is taken.
"""

from __future__ import annotations

from collections.abc import Sequence

from toolgate.store import headers, variables
from toolgate.store.errors import BadInput
from toolgate.store.headers import HeaderInput
from toolgate.store.names import shown

_REFERENCE = "env:"
_CAUSE = "reads the gateway's environment, which the operator has not allowed from here"
_MEND = "use `toolgate server set` on that machine, or start `toolgate serve` with --allow-command-servers"


def header_inputs(names: Sequence[str], values: Sequence[str], *, environment: bool) -> list[HeaderInput]:
    """The headers of rows of a form, rows left empty aside. Raises BadInput, which never repeats a value.

    `environment`: whether `env:NAME` may be given.
    """
    given = [(name, value) for name, value in zip(names, values, strict=False) if name or value]
    return list(headers.unique([_header(name, value, environment) for name, value in given]))


def _header(name: str, value: str, environment: bool) -> HeaderInput:
    place = f"header {shown(name)}"
    kept = headers.check_header(place, name)
    if value.startswith(_REFERENCE):
        if not environment:
            raise BadInput(place, _CAUSE, _MEND)
        return HeaderInput(kept, variable=headers.check_reference(place, value.removeprefix(_REFERENCE)))
    return HeaderInput(kept, value=headers.check_value(place, value))


def variable_inputs(lines: str) -> list[HeaderInput]:
    """The variables of a command, a line each: `NAME=value` or `NAME=env:OTHER`. Raises BadInput."""
    given = [line.strip() for line in lines.splitlines() if line.strip()]
    return list(headers.unique([_variable(line) for line in given]))


def _variable(line: str) -> HeaderInput:
    name, equals, value = line.partition("=")
    if not equals:
        raise BadInput("variable", "a line has no `=`", "write each on a line of its own: `NAME=env:NAME`")
    place = f"variable {shown(name)}"
    variables.check_variable(place, name)
    if value.startswith(_REFERENCE):
        return HeaderInput(name, variable=headers.check_reference(place, value.removeprefix(_REFERENCE)))
    return HeaderInput(name, value=variables.check_value(place, value))
