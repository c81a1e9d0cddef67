"""What a form holds, and which of its fields an error belongs to."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from starlette.datastructures import FormData

from toolgate.errors import ToolgateError
from toolgate.store.errors import BadInput

WHOLE = ""
"""The key of an error that belongs to no field: it stands above the form."""


def text(form: FormData, name: str) -> str:
    """What was typed into a field, without space at either end; "" where there is none."""
    value = form.get(name, "")
    return value.strip() if isinstance(value, str) else ""


def one_of(form: FormData, name: str, choices: Collection[str]) -> str:
    """Which button was pressed; raises BadInput where it is none of ours, so that nothing is done by default."""
    value = text(form, name)
    if value not in choices:
        raise BadInput(name, "says nothing that is understood here", f"send one of {', '.join(choices)}")
    return value


def ticked(form: FormData, name: str) -> bool:
    """Whether a box was ticked."""
    return bool(text(form, name))


def texts(form: FormData, name: str) -> list[str]:
    """What was typed into all fields of a name, also those left empty."""
    return [value.strip() if isinstance(value, str) else "" for value in form.getlist(name)]


def pairs(place: str, lines: str) -> dict[str, str]:
    """Lines of `key=value`, empty ones left out. Raises ToolgateError for one without `=`, or a key given twice."""
    found: dict[str, str] = {}
    for line in filter(None, (line.strip() for line in lines.splitlines())):
        key, equals, value = (part.strip() for part in line.partition("="))
        if not equals:
            raise ToolgateError(place, f"`{line}` has no `=`", "write each on a line of its own: `team=payments`")
        if key in found:
            raise ToolgateError(place, f"`{key}` is given twice", "give each key once")
        found[key] = value
    return found


def placed(error: ToolgateError, fields: Mapping[str, str]) -> dict[str, ToolgateError]:
    """The error under the name of the field that it is about, known by how its place begins."""
    for beginning, name in fields.items():
        if error.place.startswith(beginning):
            return {name: error}
    return {WHOLE: error}
