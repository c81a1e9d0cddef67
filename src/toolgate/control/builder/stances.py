"""The stance of a policy toward one tool in a word, and the edit that changes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from toolgate.control.builder.problem import NotPossible
from toolgate.control.builder.splices import become, put, remove
from toolgate.policy.entries import escape
from toolgate.policy.names import is_pattern, matches

Stance = Literal["default", "allow", "deny", "hide", "ask", "custom"]
STANCES: dict[Stance, str] = {
    "default": "By default",
    "allow": "Allow",
    "custom": "Allow with rules",
    "ask": "Ask a person",
    "deny": "Deny",
    "hide": "Hide",
}
_ACTIONS: dict[str, Stance] = {"deny": "deny", "require_approval": "ask"}
_RULES = ("require", "deny_if", "require_approval", "limits", "rate_limit", "repeat_limit", "response")


def stance_of(raw: Mapping[str, Any], name: str) -> Stance:
    """How the tool's own entry, or `hide`, stands; entries by pattern are not looked at."""
    if any(matches(key, name) for key in raw.get("hide", ())):
        return "hide"
    entry = raw.get("tools", {}).get(name)
    if entry is None:
        return "default"
    return _ACTIONS.get(entry.get("action", ""), "custom" if any(entry.get(key) for key in _RULES) else "allow")


def hiding_pattern(raw: Mapping[str, Any], name: str) -> str:
    """The pattern of `hide` that covers the tool; "" where none does."""
    return next((key for key in raw.get("hide", ()) if is_pattern(key) and matches(key, name)), "")


def set_stance(text: str, raw: dict[str, Any], name: str, stance: Stance) -> str:
    """The text with the tool (or pattern) allowed, denied, hidden and so on; the same stance changes nothing.

    `allow` and `default` take the tool's rules away; the others keep them. Raises NotPossible.
    """
    if stance == stance_of(raw, name):
        return text
    if stance not in STANCES:
        raise NotPossible("stance", f"`{stance}` is no stance", "choose one of the list")
    if stance == "hide":
        return put(text, "/hide/-", name)
    text = _unhidden(text, raw, name)
    entry = raw.get("tools", {}).get(name)
    place = f"/tools/{escape(name)}"
    if stance == "default":
        return text if entry is None else remove(text, place)
    if stance == "allow":
        return put(text, place, {}) if not is_pattern(name) else put(text, place, {"action": "allow"})
    if stance == "custom":
        return _without_action(text, place, entry)
    return put(text, f"{place}/action", "deny" if stance == "deny" else "require_approval")


def _unhidden(text: str, raw: dict[str, Any], name: str) -> str:
    pattern = "" if is_pattern(name) else hiding_pattern(raw, name)
    if pattern:
        raise NotPossible("hide", f"the pattern `{pattern}` of `hide` covers `{name}`", "take the pattern away first")
    kept = [key for key in raw.get("hide", ()) if key != name]
    if len(kept) == len(raw.get("hide", ())):
        return text
    if not kept:
        return remove(text, "/hide")
    for place in reversed([at for at, key in enumerate(raw["hide"]) if key == name]):
        text = remove(text, f"/hide/{place}")
    return text


def _without_action(text: str, place: str, entry: dict[str, Any] | None) -> str:
    if entry is None:
        return put(text, place, {})
    return become(text, place, {key: value for key, value in entry.items() if key not in ("action", "reason")})
