"""A tool as its server defines it: what it is, whether it changed, and whether arguments fit it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Literal, NoReturn

from jsonschema_rs import RegexOptions, ValidationError, Validator, validator_for

from toolgate.policy.closing import CannotClose, close
from toolgate.policy.numerals import keeps_text, plain

Mode = Literal["auto", "closed", "declared"]
_PRINTED = ("name", "title", "description", "inputSchema", "outputSchema", "annotations")
_SHOWN = 60
UNKNOWN = "the definition of the tool is not known, so its arguments cannot be checked"


class Definition:
    """One tool object of `tools/list`. Validators are compiled on first use and kept."""

    __slots__ = ("_validators", "annotations", "fingerprint", "input_schema", "name")

    def __init__(self, tool: Mapping[str, object]) -> None:
        self.name = str(tool.get("name", ""))
        self.input_schema = tool.get("inputSchema")
        self.annotations = tool.get("annotations")
        self.fingerprint = fingerprint(tool)
        self._validators: dict[Mode, Validator | str] = {}

    def refusal(self, arguments: dict[str, object], mode: Mode) -> str:
        """Why the arguments do not fit, naming the argument and never its value; "" when they do.

        A schema that does not compile (or refers elsewhere) refuses every call.
        """
        validator = self._validators.get(mode)
        if validator is None:
            validator = self._validators[mode] = _compile(self.input_schema, mode)
        if type(validator) is str:
            return validator
        try:
            # The library takes a number whose text is kept for no number at all, and ignores `maximum` for it.
            simple = plain(arguments) if keeps_text(arguments) else arguments
            return "" if validator.is_valid(simple) else _first_error(validator, simple)  # type: ignore[union-attr,arg-type]
        except (ValueError, RecursionError):
            return "the arguments cannot be checked against the schema"


def fingerprint(tool: Mapping[str, object]) -> str:
    """Hex SHA-256 over a canonical form of what a person judges a tool by; other fields may change freely."""
    printed = {key: tool[key] for key in _PRINTED if key in tool}
    text = json.dumps(printed, sort_keys=True, separators=(",", ":"), ensure_ascii=True, default=_numeral)
    return sha256(text.encode()).hexdigest()


def _numeral(number: object) -> dict[str, str]:
    """A number whose text is kept, told apart from a string of the same text."""
    return {"\0": str(number)}


def _refuse_retrieval(uri: str) -> NoReturn:
    raise ValueError(f"`{uri}` is outside the schema")


def _compile(schema: object, mode: Mode) -> Validator | str:
    if type(schema) is not dict:
        return "the tool has no input schema, so its arguments cannot be checked"
    try:
        return _validator(schema, mode)
    except (ValidationError, ValueError, CannotClose, RecursionError):
        return "the input schema of the tool cannot be compiled, so its arguments cannot be checked"


def _validator(schema: dict[str, Any], mode: Mode) -> Validator:
    """No retrieval, linear patterns, `format` a remark."""
    numbers = plain(schema)
    assert type(numbers) is dict
    strict = numbers if mode == "declared" else close(numbers, overrule=mode == "closed")
    return validator_for(
        strict,
        validate_formats=False,
        retriever=_refuse_retrieval,
        pattern_options=RegexOptions(),
    )


def _first_error(validator: Validator, arguments: object) -> str:
    error = next(iter(validator.iter_errors(arguments)), None)
    if error is None:
        return "the arguments do not fit the schema"
    place = ".".join(str(step) for step in error.instance_path)
    return f"{_named(place)} {_fault(error)}"


def _named(place: str) -> str:
    return f"argument `{_short(place)}`" if place else "the call"


def _fault(error: ValidationError) -> str:
    details = error.kind.as_dict()
    match error.kind.name:
        case "additionalProperties" | "unevaluatedProperties":
            return f"has an undeclared argument `{_short(str(details['unexpected'][0]))}`"
        case "required":
            return f"lacks the argument `{_short(str(details['property']))}`"
        case "type":
            return f"is not of the declared type{_expected(details)}"
        case keyword:
            return f"does not fit `{keyword}` of its schema"


def _expected(details: dict[str, Any]) -> str:
    types = details.get("types")
    return f" {' or '.join(map(str, types))}" if types else ""


def _short(text: str) -> str:
    """Names come from the caller: short and printable in a message."""
    printable = "".join(letter if letter.isprintable() else "?" for letter in text[: _SHOWN + 1])
    return printable if len(printable) <= _SHOWN else printable[:_SHOWN] + "..."
