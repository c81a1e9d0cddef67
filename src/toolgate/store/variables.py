"""Environment variables of servers that are started as a command: given, sealed and opened like headers.

`K=V` and `K=@file` are read once and stored sealed; of `K=env:NAME` only the name is stored, and the gateway reads its
own environment. Like headers, they need no database to be opened.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from toolgate.errors import ToolgateError
from toolgate.keys import Sealer
from toolgate.store import headers
from toolgate.store.errors import BadInput
from toolgate.store.headers import VARIABLE, HeaderInput, StoredHeader
from toolgate.store.names import shown

MAX_NAME = 128
MAX_VALUE = 32 * 1024
"""Characters; a kernel takes 128 KiB for one variable, and a long key still fits."""

OURS = "TOOLGATE_"
"""How the names of our own settings begin: a server must neither see nor change them."""


def parse_variable(text: str) -> HeaderInput:
    """Read one `--env`; `@file` is read now. Raises BadInput, which never repeats the value."""
    name, equals, value = text.partition("=")
    place = f"--env {shown(name)}" if equals else "--env"
    if not equals:
        raise BadInput(place, "is not a variable", 'write it as "NAME=value", "NAME=env:VARIABLE" or "NAME=@file"')
    check_variable(place, name)
    if value.startswith("env:"):
        return HeaderInput(name, variable=headers.check_reference(place, value[4:]))
    if value.startswith("@"):
        return HeaderInput(name, value=check_value(place, _file(place, Path(value[1:]))))
    return HeaderInput(name, value=check_value(place, value))


def check_variable(place: str, name: str) -> str:
    """The name of a variable that a server may be given. Raises BadInput."""
    if not VARIABLE.fullmatch(name) or len(name) > MAX_NAME:
        raise BadInput(place, f"`{shown(name)}` is not the name of a variable", "use letters, digits and `_`")
    if name.upper().startswith(OURS):
        raise BadInput(place, f"`{shown(name)}` is a setting of Toolgate itself", "choose another name")
    return name


def check_value(place: str, value: str) -> str:
    """Any text that an environment can hold, also empty. Raises BadInput, which never repeats it."""
    if len(value) > MAX_VALUE or "\0" in value or not _encodable(value):
        cause = "the value is too long or holds what no environment can hold"
        raise BadInput(place, cause, f"at most {MAX_VALUE} characters of UTF-8 text without NUL")
    return value


def _encodable(value: str) -> bool:
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _file(place: str, path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(4 * MAX_VALUE + 2).decode("utf-8").removesuffix("\n").removesuffix("\r")
    except OSError as error:
        cause = f"`{shown(str(path))}` cannot be read: {error.strerror}"
        raise BadInput(place, cause, "check the path after `@`") from error
    except ValueError as error:
        raise BadInput(place, f"`{shown(str(path))}` is not UTF-8 text", "store the bare value in it") from error


def open_variables(
    variables: Sequence[StoredHeader], server_id: str, sealer: Sealer, environment: Mapping[str, str]
) -> dict[str, str]:
    """The variables to start the command with. Raises ToolgateError: a seal does not open, one is missing."""
    return {variable.name: _opened(variable, server_id, sealer, environment) for variable in variables}


def _opened(stored: StoredHeader, server_id: str, sealer: Sealer, environment: Mapping[str, str]) -> str:
    place = f"variable {stored.name} of server {server_id}"
    if stored.variable is None:
        return headers.unseal(place, stored, server_id, sealer)
    value = environment.get(stored.variable)
    if value is None:
        cause = f"the variable `{stored.variable}` is not set in the gateway's environment"
        raise ToolgateError(place, cause, f"start the gateway with {stored.variable} set")
    return value
