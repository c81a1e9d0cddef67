"""Edits of a policy's text: what the fields of the form say, and what its buttons do. Pure: a text gives a text.

Each edit touches only what it changes. An edit that cannot be made raises a ToolgateError whose place is the field or
the pointer; whether the result is valid is the business of `drafts.look`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

from toolgate.classifier.classify import classify
from toolgate.classifier.recommend import recommended_entry
from toolgate.control.builder.answers import answers_from
from toolgate.control.builder.fields import (
    Fields,
    amount_of,
    limit_from,
    rate_from,
    rule_from,
    with_choice,
    with_text,
)
from toolgate.control.builder.flows import flow_from
from toolgate.control.builder.problem import NotPossible
from toolgate.control.builder.spans import NoPlace, find, has, read, tokens
from toolgate.control.builder.splices import become, put, remove
from toolgate.control.builder.stances import Stance, set_stance
from toolgate.policy.charges import RESULT_BYTES
from toolgate.policy.entries import escape
from toolgate.policy.names import is_pattern

RULES = ("require", "deny_if", "require_approval")
_SETTINGS = ("default", "list", "hidden_text")
_RATES = {"rate_limit": "rate", "repeat_limit": "repeat"}
"""Limits of a short form, and what their fields are called."""
_STANCE = "stance:"
_COMPOSED = "new"
_COMPOSED_LIMIT = "newlimit"


def apply_fields(text: str, fields: Fields, kinds: Mapping[str, str]) -> str:
    """The text as the settings, the stances and the opened entry (field `entry`) of the form say.

    `kinds` holds the JSON types of the paths of the entry's tool.
    """
    raw = read(text).plain()
    top = raw
    for key in _SETTINGS:
        top = with_choice(top, key, fields[key]) if key in fields else top
    if "flows" in raw:
        top = {**top, "flows": [flow_from(fields, f"flow:{at}", flow) for at, flow in enumerate(raw["flows"])]}
    text = become(text, "", with_text(top, "description", fields, "description"))
    for name, value in fields.items():
        if name.startswith(_STANCE):
            edited = set_stance(text, raw, name.removeprefix(_STANCE), cast("Stance", value))
            raw, text = (read(edited).plain(), edited) if edited is not text else (raw, text)
    return apply_entry(text, fields.get("entry", ""), fields, kinds)


def apply_entry(text: str, pointer: str, fields: Fields, kinds: Mapping[str, str]) -> str:
    """The text with the rules, limits and words of one entry (`/tools/run`, `/all_tools`) as the fields say."""
    root = read(text)
    if not pointer or not has(root, pointer):
        return text
    old = find(root, pointer).plain()
    entry = dict(old)
    for kind in RULES:
        if kind in old:
            entry[kind] = [_rule(fields, f"{kind}:{place}", rule, kinds) for place, rule in enumerate(old[kind])]
    if "limits" in old:
        entry["limits"] = [limit_from(fields, f"limit:{place}", limit) for place, limit in enumerate(old["limits"])]
    for key, prefix in _RATES.items():
        entry = _with(entry, key, rate_from(fields, prefix, old.get(key)))
    entry = _with(entry, "response", answers_from(fields, old.get("response")))
    entry = with_text(entry, "reason", fields, "reason")
    entry = with_choice(entry, "schema", fields["schema"]) if "schema" in fields else entry
    return become(text, pointer, entry)


def _with(entry: dict[str, Any], key: str, value: Any) -> dict[str, Any]:
    """The entry with a value, without the key for None."""
    if value is None:
        return {other: kept for other, kept in entry.items() if other != key}
    return {**entry, key: value}


def _rule(fields: Fields, prefix: str, old: dict[str, Any], kinds: Mapping[str, str]) -> dict[str, Any]:
    return rule_from(fields, prefix, old, kinds) if f"{prefix}:on_deny" in fields else old


def check_entry(pointer: str) -> None:
    """Raise NoPlace where a pointer is not that of an entry (`/tools/run`, `/methods/ping`, `/all_tools`)."""
    parts = tokens(pointer)
    named = len(parts) == 2 and parts[0] in ("tools", "methods") and parts[1] and pointer.startswith("/")
    if not named and pointer not in ("", "/all_tools"):
        raise NoPlace("entry", f"`{pointer}` is no entry of a policy", "use the buttons of the page")


def add_rule(text: str, pointer: str, fields: Fields, kinds: Mapping[str, str]) -> str:
    """The text with the rule that was composed in the fields `new:...`, in the entry at the pointer."""
    kind = fields.get(f"{_COMPOSED}:kind", "")
    if kind not in RULES:
        raise NotPossible(f"{_COMPOSED}:kind", f"`{kind}` is no kind of rule", f"use one of {', '.join(RULES)}")
    rule = rule_from(fields, _COMPOSED, {}, kinds)
    if not rule["conditions"]:
        mend = "choose an argument; to treat every call alike, choose Ask or Deny for the tool"
        raise NotPossible(f"{_COMPOSED}:0:path", "the rule has no condition", mend)
    if kind != "require_approval":
        rule.pop("timeout", None)
    return put(text, f"{pointer}/{kind}/-", rule)


def add_limit(text: str, pointer: str, fields: Fields) -> str:
    """The text with the limit that was composed in `newlimit:...`.

    Calls in a sliding window become a `rate_limit`, identical ones always a `repeat_limit`.
    """
    typed = {key: fields.get(f"{_COMPOSED_LIMIT}:{key}", "").strip() for key in ("max", "window", "scope", "cost")}
    of = fields.get(f"{_COMPOSED_LIMIT}:of", "")
    most, window = amount_of(typed["max"]), amount_of(typed["window"] or "60")
    if isinstance(most, str):
        raise NotPossible(f"{_COMPOSED_LIMIT}:max", f"`{most}` is no number", "write how many, such as `10`")
    if of == "repeats":
        return _add_rate(text, pointer, "repeat_limit", typed, window)
    typed["cost"] = {"bytes": RESULT_BYTES, "calls": ""}.get(of, typed["cost"])
    if of == "argument" and not typed["cost"]:
        raise NotPossible(f"{_COMPOSED_LIMIT}:cost", "no argument is named", "write its path, such as `args.amount`")
    root = read(text)
    plain = not typed["cost"] and typed["scope"] in ("", "grant", "session") and type(window) is int
    if plain and not has(root, f"{pointer}/rate_limit"):
        return _add_rate(text, pointer, "rate_limit", typed, window)
    limit: dict[str, Any] = {"counter": _counter(root.plain(), pointer, typed["cost"], window), "window": window}
    limit["max"] = most
    if typed["scope"]:
        limit["scope"] = typed["scope"]
    if typed["cost"]:
        limit["cost"] = typed["cost"]
    return put(text, f"{pointer}/limits/-", limit)


def _add_rate(text: str, pointer: str, key: str, typed: Mapping[str, str], window: Any) -> str:
    """The text with the limit in its short form, which is one for each entry and slides."""
    if has(read(text), f"{pointer}/{key}"):
        raise NotPossible(f"{_COMPOSED_LIMIT}:max", f"there is a `{key}` already", "change that one")
    if type(window) is not int:
        mend = "choose one of the windows that begin with `in any`"
        raise NotPossible(f"{_COMPOSED_LIMIT}:window", "identical calls are not counted by the clock", mend)
    if typed["scope"] not in ("", "grant", "session"):
        mend = "choose `per grant` or `per session`"
        raise NotPossible(f"{_COMPOSED_LIMIT}:scope", "identical calls are those of one agent", mend)
    made = {"rate:max": typed["max"], "rate:window": str(window)}
    made["rate:scope"] = typed["scope"] if typed["scope"] == "session" else ""
    return put(text, f"{pointer}/{key}", rate_from(made, "rate", None))


def _counter(raw: dict[str, Any], pointer: str, cost: str, window: Any) -> str:
    """A name that says what is counted, and that no other limit of the document has."""
    whose = (
        "all_tools" if pointer == "/all_tools" else tokens(pointer)[-1].replace("*", "any").removeprefix("rate_limit:")
    )
    what = cost.rpartition(".")[2].strip('[]"') if cost else "calls"
    name = f"{whose}_{what}_{window if isinstance(window, str) else f'{window}s'}"
    taken = {limit["counter"] for entry in _entries(raw) for limit in entry.get("limits", ())}
    return next(made for at in range(len(taken) + 1) if (made := name if not at else f"{name}_{at + 1}") not in taken)


def _entries(raw: dict[str, Any]) -> Iterable[dict[str, Any]]:
    yield raw.get("all_tools", {})
    yield from raw.get("tools", {}).values()
    yield from raw.get("methods", {}).values()


def take_away(text: str, pointer: str) -> str:
    """The text without a rule, limit, entry or hidden name; a list that would be left empty goes with it."""
    root = read(text)
    if not pointer.startswith("/"):
        raise NoPlace("pointer", f"`{pointer}` is no place in a policy", "use the buttons of the page")
    find(root, pointer)
    above = pointer.rpartition("/")[0]
    parent = find(root, above)
    return remove(text, above if parent.kind == "array" and len(parent.items) == 1 else pointer)


def add_entry(text: str, section: str, key: str) -> str:
    """The text with an empty entry for a name or pattern; one that is there stays."""
    if section not in ("tools", "methods") or not key.strip():
        raise NotPossible(
            "key", "the name is empty", "write the name of a tool or method, or a pattern such as `read_*`"
        )
    pointer = place_of(section, key.strip())
    return text if has(read(text), pointer) else put(text, pointer, {})


def place_of(section: str, key: str) -> str:
    """The pointer of an entry."""
    return f"/{section}/{escape(key)}"


def recommend_tools(text: str, tools: Iterable[Mapping[str, Any]]) -> str:
    """The text with what is recommended for these tools, in place of what it says of each of them."""
    for tool in tools:
        raw, name = read(text).plain(), str(tool["name"])
        category = classify(tool).category
        if category == "Destructive" or is_pattern(name):
            text = set_stance(text, raw, name, "hide")
            continue
        text = set_stance(text, raw, name, "default")
        text = put(text, f"/tools/{escape(name)}", recommended_entry(name, category))
    return text
