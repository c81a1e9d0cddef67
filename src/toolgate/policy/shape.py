"""The shape of a policy document: every problem of it, not only the first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from toolgate.policy.agreement import find_disagreements
from toolgate.policy.durations import read_duration
from toolgate.policy.entries import escape
from toolgate.policy.flow_shape import find_flow_problems
from toolgate.policy.key_shape import unknown_keys
from toolgate.policy.limit_shape import find_limit_problems, find_rate_limit_problems
from toolgate.policy.problems import Problem
from toolgate.policy.response_shape import find_response_problems
from toolgate.policy.responses import HIDDEN_TEXT
from toolgate.policy.rule_shape import find_rule_problems

Check = Callable[[Any, str], Iterator[Problem]]
_TOP = ("version", "default", "description", "hidden_text", "hide", "list", "flows", "all_tools", "tools", "methods")
_ENTRY = (
    *("require", "deny_if", "limits", "action", "reason", "rate_limit", "repeat_limit"),
    *("require_approval", "response", "schema"),
)
_METHOD_ENTRY = tuple(key for key in _ENTRY if key != "schema")
_ALL_TOOLS = ("limits", "require", "deny_if", "require_approval", "rate_limit", "repeat_limit", "response")


def find_problems(value: object) -> Iterator[Problem]:
    """Everything that is wrong with the JSON value of a document."""
    if type(value) is not dict:
        yield Problem("", "the policy is no JSON object", 'begin with `{"version": "1", "default": "deny"}`')
        return
    yield from unknown_keys(value, "", _TOP)
    yield from _required(value, "version", ("1",))
    yield from _required(value, "default", ("allow", "deny"))
    checks: dict[str, Check] = {
        "description": text,
        "hidden_text": lambda found, at: choice(found, at, HIDDEN_TEXT),
        "hide": _names,
        "list": lambda found, at: choice(found, at, ("callable", "all")),
        "flows": find_flow_problems,
        "all_tools": _all_tools,
        "tools": _tools,
        "methods": _methods,
    }
    found = [problem for key, check in checks.items() if key in value for problem in check(value[key], f"/{key}")]
    yield from found
    if not found:
        yield from find_disagreements(value)


def _required(value: dict[str, Any], key: str, choices: tuple[str, ...]) -> Iterator[Problem]:
    if key not in value:
        yield Problem("", f"the key `{key}` is missing", f"add it with {_or(choices)}")
    else:
        yield from choice(value[key], f"/{key}", choices)


def choice(value: object, pointer: str, choices: tuple[str, ...]) -> Iterator[Problem]:
    """A text out of a closed set."""
    if type(value) is not str or value not in choices:
        yield Problem(pointer, f"{shown(value)} is not one of the values", f"use {_or(choices)}")


def text(value: object, pointer: str) -> Iterator[Problem]:
    """Any text."""
    if type(value) is not str:
        yield Problem(pointer, f"{shown(value)} is no text", "write a string")


def shown(value: object) -> str:
    """A value in a message, shortened."""
    written = f'"{value}"' if type(value) is str else str(value)
    return f"`{written if len(written) <= 60 else written[:60] + '...'}`"


def _or(choices: tuple[str, ...]) -> str:
    return " or ".join(f'`"{name}"`' for name in choices)


def _names(value: object, pointer: str) -> Iterator[Problem]:
    if type(value) is not list:
        yield Problem(pointer, f"{shown(value)} is no list", "write a list of tool names or patterns")
        return
    for place, name in enumerate(value):
        if type(name) is not str or not name:
            yield Problem(f"{pointer}/{place}", f"{shown(name)} is no name", "write the name of a tool or a pattern")


def _tools(value: object, pointer: str) -> Iterator[Problem]:
    yield from _section(value, pointer, lambda entry, at: _entry(entry, at, "args", _ENTRY))


def _methods(value: object, pointer: str) -> Iterator[Problem]:
    yield from _section(value, pointer, lambda entry, at: _entry(entry, at, "params", _METHOD_ENTRY))
    if type(value) is dict and "tools/call" in value:
        mend = "write the rules of its tools under `tools`, or for all of them under `all_tools`"
        yield Problem(f"{pointer}/tools~1call", "`tools/call` is not judged as a method", mend)


def _section(value: object, pointer: str, check: Check) -> Iterator[Problem]:
    if type(value) is not dict:
        yield Problem(pointer, f"{shown(value)} is no object", "write an object of names and their rules")
        return
    for key, entry in value.items():
        at = f"{pointer}/{escape(key)}"
        if not key:
            yield Problem(at, "the name is empty", "write the name of a tool or method, or a pattern")
        yield from check(entry, at)


def _all_tools(value: object, pointer: str) -> Iterator[Problem]:
    yield from _entry(value, pointer, "args", _ALL_TOOLS, everywhere=True)


def _entry(
    value: object, pointer: str, root: str, known: tuple[str, ...], *, everywhere: bool = False
) -> Iterator[Problem]:
    if type(value) is not dict:
        yield Problem(pointer, f"{shown(value)} is no object", "write an object of rules, `{}` for none")
        return
    yield from unknown_keys(value, pointer, known)
    checks: dict[str, Check] = {
        "require": lambda found, at: _rules(found, at, root),
        "deny_if": lambda found, at: _rules(found, at, root),
        "require_approval": lambda found, at: _rules(found, at, root, waits=True),
        "limits": lambda found, at: find_limit_problems(found, at, root, everywhere=everywhere),
        "rate_limit": find_rate_limit_problems,
        "repeat_limit": find_rate_limit_problems,
        "response": find_response_problems,
        "action": lambda found, at: choice(found, at, ("allow", "deny", "require_approval")),
        "reason": text,
        "schema": lambda found, at: choice(found, at, ("auto", "closed", "declared", "off")),
    }
    for key in known:
        if key in value:
            yield from checks[key](value[key], f"{pointer}/{key}")


def _rules(value: object, pointer: str, root: str, *, waits: bool = False) -> Iterator[Problem]:
    if type(value) is not list:
        yield Problem(pointer, f"{shown(value)} is no list", "write a list of rules")
        return
    for place, rule in enumerate(value):
        at = f"{pointer}/{place}"
        if type(rule) is not dict:
            yield Problem(at, f"{shown(rule)} is no rule", 'write `{"conditions": [...], "on_deny": "..."}`')
            continue
        yield from unknown_keys(rule, at, ("conditions", "on_deny", *(("timeout",) if waits else ())))
        yield from find_rule_problems(rule, at, root)
        if "on_deny" in rule:
            yield from text(rule["on_deny"], f"{at}/on_deny")
        if waits and "timeout" in rule and read_duration(rule["timeout"]) is None:
            mend = "write a number with `s`, `m`, `h` or `d`, at most seven days: `10m`"
            yield Problem(f"{at}/timeout", f"{shown(rule['timeout'])} is no length of time", mend)
