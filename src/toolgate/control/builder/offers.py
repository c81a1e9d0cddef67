"""What the builder offers for a tool: the paths of its own parameters, with types and the operators that suit them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from toolgate.classifier.arguments import step
from toolgate.classifier.parameters import Parameter, kind_of_schema, text_of, words_of
from toolgate.classifier.signals import takes_code, takes_mail, takes_path, takes_sql, takes_url
from toolgate.control.builder.values import operators_for
from toolgate.policy.categories import PRECEDENCE, RISK

_DEEPEST = 4
_MOST = 150


@dataclass(slots=True, frozen=True)
class Offer:
    """A path that a condition may read. `suggested` is the operator that suits it best, `example` a value for it."""

    path: str
    kind: str
    description: str
    required: bool
    choices: tuple[str, ...]
    operators: tuple[str, ...]
    suggested: str
    example: str


WHO: tuple[Offer, ...] = (
    *(
        Offer(path, "string", f"{words}: {', '.join(known)}", True, known, ("in", "not_in", "eq", "neq"), "in", first)
        for path, words, known, first in (
            ("tool.category", "what the tool does", PRECEDENCE, "Destructive\nFinancial"),
            ("tool.risk", "how much harm it can do", tuple(dict.fromkeys(RISK.values())), "High\nCritical"),
        )
    ),
    *(
        Offer(path, kind, words, True, (), operators_for(kind), "eq" if kind == "string" else "gte", "")
        for path, kind, words in (
            ("grant.label", "string", "the label of the grant"),
            ("grant.labels.KEY", "string", "a label of the grant by its key"),
            ("principal", "string", "who holds the grant"),
            ("session.id", "string", "the session"),
            ("tool.name", "string", "the tool that is called"),
            ("time.hour", "integer", "the hour, 0 to 23"),
            ("time.weekday", "integer", "1 is Monday, 7 is Sunday"),
        )
    ),
)
"""What conditions may read beside the arguments."""


def offers(tool: Mapping[str, Any]) -> list[Offer]:
    """The parameters of a tool object, nested ones and elements of lists (`[*]`) included."""
    found: list[Offer] = []
    _gather(tool.get("inputSchema"), "args", found, _DEEPEST)
    return found[:_MOST]


def kinds(tool: Mapping[str, Any] | None) -> dict[str, str]:
    """The JSON type of each path that is offered for a tool, and of what is known of who calls."""
    own = offers(tool) if tool is not None else []
    return {offer.path: offer.kind for offer in (*own, *WHO)}


def _gather(schema: object, prefix: str, found: list[Offer], depth: int) -> None:
    declared = schema.get("properties") if isinstance(schema, Mapping) else None
    if not isinstance(declared, Mapping) or not depth or len(found) > _MOST:
        return
    required = schema.get("required") if isinstance(schema, Mapping) else None
    needed = required if isinstance(required, list) else []
    for key, value in declared.items():
        about = value if isinstance(value, Mapping) else {}
        path = prefix + step(str(key))
        found.append(_offer(path, str(key), about, key in needed))
        _gather(about, path, found, depth - 1)
        items = about.get("items")
        if isinstance(items, Mapping):
            each = f"{path}[*]"
            if kind_of_schema(items) not in ("object", "array", ""):
                found.append(_offer(each, str(key), items, False))
            _gather(items, each, found, depth - 1)


def _offer(path: str, key: str, about: Mapping[str, Any], required: bool) -> Offer:
    kind = kind_of_schema(about)
    listed = about.get("enum")
    choices = tuple(str(choice) for choice in listed[:50]) if isinstance(listed, list) else ()
    description = text_of(about.get("description"))
    parameter = Parameter(path, key, kind, description, choices, words_of(key))
    suggested, example = _suggested(parameter)
    operators = (suggested, *(op for op in operators_for(kind) if op != suggested))
    return Offer(path, kind, description, required, choices, operators, suggested, example)


def _suggested(parameter: Parameter) -> tuple[str, str]:
    """A bare pattern on a URL, a path or SQL is how gateways get bypassed: the operator that parses comes first."""
    if parameter.choices:
        return "in", "\n".join(map(str, parameter.choices[:2]))
    if parameter.kind in ("number", "integer"):
        return "lte", "100"
    if parameter.kind == "boolean":
        return "eq", "false"
    for test, op, example in (
        (takes_sql, "sql_only", "select"),
        (takes_url, "host_in", "example.com"),
        (takes_path, "path_under", "/srv/data"),
        (takes_mail, "email_domain_in", "example.com"),
        (takes_code, "full_match", "[a-z ]+"),
    ):
        if parameter.kind in ("string", "") and test(parameter):
            return op, example
    if parameter.kind == "array":
        return "length_lte", "10"
    return ("exists", "true") if parameter.kind == "object" else ("in", "")
