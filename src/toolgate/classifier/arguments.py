"""The arguments of a tool, as conditions of a policy read them: `args.files[*].path`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from toolgate.classifier.parameters import Parameter, kind_of_schema, text_of, words_of

_BARE = re.compile(r'[^.\[\]"\ud800-\udfff]+')
_DEEPEST = 6
_MOST = 400


@dataclass(slots=True, frozen=True)
class Argument:
    """One parameter with its `path`. `required` where every call that fits the schema has it.

    Of a list, `path` is the list itself and `inside` its elements (`args.urls[*]`); else both are the same.
    """

    parameter: Parameter
    path: str
    inside: str
    required: bool

    @property
    def is_list(self) -> bool:
        """Whether it is an array."""
        return self.inside != self.path


def arguments_of(schema: object) -> list[Argument]:
    """Every declared property, in order; the first 400, six levels deep."""
    found: list[Argument] = []
    for argument in _declared(schema, "args", "", _DEEPEST, certain=True):
        found.append(argument)
        if len(found) == _MOST:
            break
    return found


def _declared(schema: object, path: str, shown: str, depth: int, *, certain: bool) -> Iterator[Argument]:
    properties = schema.get("properties") if isinstance(schema, Mapping) else None
    if not isinstance(properties, Mapping) or not depth:
        return
    listed = schema.get("required") if isinstance(schema, Mapping) else None
    required = listed if isinstance(listed, list) else []
    for key, value in properties.items():
        name, about = str(key), value if isinstance(value, Mapping) else {}
        here, needed = path + step(name), certain and name in required
        yield _argument(about, name, here, f"{shown}{name}", required=needed)
        yield from _declared(about, here, f"{shown}{name}.", depth - 1, certain=needed)
        yield from _declared(about.get("items"), f"{here}[*]", f"{shown}{name}[].", depth - 1, certain=needed)


def _argument(about: Mapping[str, object], name: str, path: str, shown: str, *, required: bool) -> Argument:
    choices = about.get("enum")
    kind = kind_of_schema(about)
    parameter = Parameter(
        path=shown,
        name=name,
        kind=kind,
        description=text_of(about.get("description")),
        choices=tuple(choices) if isinstance(choices, list) else (),
        words=words_of(name),
    )
    return Argument(parameter, path, f"{path}[*]" if kind == "array" else path, required)


def step(key: str) -> str:
    """A key as one step of a path: `.amount`, or `["a.b"]` where the plain form would be read otherwise."""
    return f".{key}" if _BARE.fullmatch(key) else f"[{json.dumps(key)}]"


def arguments_named(names: Iterable[str]) -> list[Argument]:
    """The arguments of a tool of which only the names are known, nested ones as `files[].path`.

    Their types are not known, nor which of them a call may leave out: they count as required, which is the safe side.
    """
    known = list(dict.fromkeys(names))
    return [_named(name, frozenset(known)) for name in known]


def _named(name: str, known: frozenset[str]) -> Argument:
    parent, key = _parted(name, known)
    path = "args" + "".join(_steps(parent, known)) + step(key)
    parameter = Parameter(path=name, name=key, kind="", description="", choices=(), words=words_of(key))
    return Argument(parameter, path, path, required=True)


def _steps(name: str, known: frozenset[str]) -> Iterator[str]:
    """What leads to a parameter in which others lie: `files[]` to `.files[*]`."""
    if name:
        above, key = _parted(name.removesuffix("[]"), known)
        yield from _steps(above, known)
        yield step(key) + ("[*]" if name.endswith("[]") else "")


def _parted(name: str, known: frozenset[str]) -> tuple[str, str]:
    """Parent and key. A dot parts them only where what stands before it is a parameter too."""
    dots = (at for at in range(len(name) - 1, 0, -1) if name[at] == ".")
    at = next((at for at in dots if name[:at].removesuffix("[]") in known), -1)
    return ("", name) if at < 0 else (name[:at], name[at + 1 :])
