"""Whether the arguments of a call fit the input schema of their tool. Loaded only by policies that check them."""

from __future__ import annotations

from typing import Any, NoReturn

from jsonschema_rs import RegexOptions, ValidationError, Validator, validator_for

from toolgate.policy.closing import CannotClose, close
from toolgate.policy.definition import Fitting, Mode
from toolgate.policy.numerals import keeps_text, plain

_SHOWN = 60


def fitting(schema: object, mode: Mode) -> Fitting:
    """What says why arguments do not fit, naming the argument and never its value; "" when they do.

    A schema that does not compile (or refers elsewhere) refuses every call.
    """
    if type(schema) is not dict:
        return _refusing("the tool has no input schema, so its arguments cannot be checked")
    try:
        validator = _validator(schema, mode)
    except (ValidationError, ValueError, CannotClose, RecursionError):
        return _refusing("the input schema of the tool cannot be compiled, so its arguments cannot be checked")

    def refusal(arguments: dict[str, object]) -> str:
        try:
            # The library takes a number whose text is kept for no number at all, and ignores `maximum` for it.
            simple = plain(arguments) if keeps_text(arguments) else arguments
            return "" if validator.is_valid(simple) else _first_error(validator, simple)
        except (ValueError, RecursionError):
            return "the arguments cannot be checked against the schema"

    return refusal


def _refusing(cause: str) -> Fitting:
    return lambda _arguments: cause


def _refuse_retrieval(uri: str) -> NoReturn:
    raise ValueError(f"`{uri}` is outside the schema")


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
