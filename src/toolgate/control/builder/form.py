"""A document as the form shows it: plain data for the template and the JSON twin."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from toolgate.classifier.classify import Classification, classify
from toolgate.control.builder.answers import answer_fields
from toolgate.control.builder.fields import LIMIT, amount_text, rate_shown
from toolgate.control.builder.flows import flow_fields, sentence
from toolgate.control.builder.offers import kinds, offers
from toolgate.control.builder.spans import tokens
from toolgate.control.builder.stances import hiding_pattern, stance_of
from toolgate.control.builder.values import value_text
from toolgate.policy.charges import read_limits
from toolgate.policy.conditions import Rule, compile_rule
from toolgate.policy.durations import read_duration
from toolgate.policy.entries import APPROVAL_TIMEOUT, escape
from toolgate.policy.flows import read_flows
from toolgate.policy.names import is_pattern, matching
from toolgate.policy.words import conditions_words, limit_words, response_words, span_words

Tool = Mapping[str, Any]
_RATES = {"rate_limit": ("rate", "Rate limit"), "repeat_limit": ("repeat", "Limit on identical calls")}
KINDS = {"require": "Require that", "deny_if": "Deny if", "require_approval": "Ask a person if"}


def form(
    raw: Mapping[str, Any], tools: Iterable[Tool], sought: str = "", classes: Mapping[str, Classification] | None = None
) -> dict[str, Any]:
    """The settings and one row for each tool, pattern and method of a valid document.

    `tools` are those of the chosen server; tools that only the document names come behind them. `classes` holds what
    is known of what they do.
    """
    known = {str(tool["name"]): tool for tool in tools}
    entries = raw.get("tools", {})
    others = [key for key in entries if key not in known and not is_pattern(key)]
    hidden = [key for key in raw.get("hide", ()) if not is_pattern(key) and key not in known and key not in entries]
    names = [*known, *others, *hidden]
    patterns = sorted(key for key in entries if is_pattern(key))
    judged = classes or {name: classify(tool) for name, tool in known.items()}
    rows = [
        _tool_row(raw, name, known.get(name), judged.get(name), matching(patterns, name))
        for name in names
        if sought.lower() in name.lower()
    ]
    return {
        "default": raw["default"],
        "list": raw.get("list", ""),
        "description": raw.get("description", ""),
        "hidden_text": raw.get("hidden_text", ""),
        "tools": rows,
        "count": len(names),
        "patterns": [_entry_row(raw, "tools", key) for key in entries if is_pattern(key)],
        "hidden": [
            {"key": key, "pointer": f"/hide/{place}"}
            for place, key in enumerate(raw.get("hide", ()))
            if is_pattern(key)
        ],
        "all_tools": entry_words(raw.get("all_tools", {}), "all_tools", "all_tools"),
        "methods": [_entry_row(raw, "methods", key) for key in raw.get("methods", {})],
        "flows": [
            {**flow_fields(written, place), "words": sentence(flow)}
            for place, (written, flow) in enumerate(zip(raw.get("flows", ()), read_flows(raw), strict=True))
        ],
    }


def _tool_row(
    raw: Mapping[str, Any], name: str, tool: Tool | None, found: Classification | None, patterns: Sequence[str]
) -> dict[str, Any]:
    """One tool: what it is, how the policy stands to it, and its rules in words."""
    entry = raw.get("tools", {}).get(name)
    return {
        "name": name,
        "pointer": f"/tools/{escape(name)}",
        "known": tool is not None,
        "description": str(tool.get("description") or "") if tool is not None else "",
        "category": found.category if found else None,
        "risk": found.risk if found else None,
        "signals": [signal.text for signal in found.signals] if found else [],
        "evidence": list(found.evidence) if found else [],
        "stance": stance_of(raw, name),
        "hidden_by": hiding_pattern(raw, name),
        "patterns": list(patterns),
        "words": entry_words(entry, "tools", name) if entry else [],
    }


def _entry_row(raw: Mapping[str, Any], section: str, key: str) -> dict[str, Any]:
    entry = raw[section][key]
    stance = {"deny": "deny", "require_approval": "ask", "allow": "allow"}.get(entry.get("action", ""), "")
    pointer = f"/{section}/{escape(key)}"
    return {"key": key, "pointer": pointer, "action": stance, "words": entry_words(entry, section, key)}


def entry_words(entry: Mapping[str, Any], section: str, key: str) -> list[str]:
    """The rules and limits of an entry, a sentence each, with the author's words in backticks."""
    found = [
        f"{KINDS[kind].lower()} {conditions_words(rule.conditions) or 'the call is made'}"
        for kind in KINDS
        for rule in _compiled(entry, kind)
    ]
    found += [limit_words(limit) for limit in read_limits(entry, "", section, key)]
    if "response" in entry:
        found.append(response_words(entry["response"]))
    if "schema" in entry:
        found.append(f"schema `{entry['schema']}`")
    return found


def _compiled(entry: Mapping[str, Any], kind: str) -> list[Rule]:
    return [compile_rule(rule, "", every=kind == "require") for rule in entry.get(kind, ())]


def editor(raw: Mapping[str, Any], pointer: str, tool: Tool | None) -> dict[str, Any]:
    """One entry opened for editing, with what its fields show. `pointer` may lead nowhere yet."""
    section, *rest = tokens(pointer)
    key = rest[0] if rest else section
    entry = raw.get(section, {}).get(key, {}) if rest else raw.get(section, {})
    own = kinds(tool)
    rules = [
        _rule(kind, place, rule, compiled, pointer, own)
        for kind in KINDS
        for place, (rule, compiled) in enumerate(zip(entry.get(kind, ()), _compiled(entry, kind), strict=True))
    ]
    return {
        "pointer": pointer,
        "section": section,
        "key": key,
        "exists": bool(rest and key in raw.get(section, {})) or (not rest and section in raw),
        "action": entry.get("action", ""),
        "reason": entry.get("reason", ""),
        "schema": entry.get("schema", ""),
        "rules": rules,
        "limits": [_limit(place, limit, pointer) for place, limit in enumerate(entry.get("limits", ()))],
        "rates": [_rate(entry, key, *how) for key, how in _RATES.items() if key in entry],
        "response": answer_fields(entry.get("response", {})),
        "offers": offers(tool) if tool is not None else [],
    }


def _rule(
    kind: str, place: int, rule: Mapping[str, Any], compiled: Rule, pointer: str, own: Mapping[str, str]
) -> dict[str, Any]:
    rows = [
        {
            "path": condition["path"],
            "op": condition["op"],
            "value": value_text(condition["value"], own.get(condition["path"], "")),
            "dialect": condition.get("dialect", ""),
            "also": f"zone `{condition['zone']}`" if "zone" in condition else "",
        }
        for condition in rule["conditions"]
    ]
    wait = (read_duration(rule["timeout"]) if "timeout" in rule else None) or APPROVAL_TIMEOUT
    return {
        "kind": kind,
        "field": f"{kind}:{place}",
        "pointer": f"{pointer}/{kind}/{place}",
        "words": f"{KINDS[kind]} {conditions_words(compiled.conditions) or 'the call is made'}",
        "conditions": rows,
        "on_deny": rule.get("on_deny", ""),
        "timeout": rule.get("timeout", ""),
        "waits": span_words(wait),
    }


def _rate(entry: Mapping[str, Any], key: str, prefix: str, label: str) -> dict[str, str]:
    most, window, scope = rate_shown(entry[key])
    return {"key": key, "field": prefix, "label": label, "max": most, "window": window, "scope": scope}


def _limit(place: int, limit: Mapping[str, Any], pointer: str) -> dict[str, Any]:
    shown = {key: amount_text(limit.get(key, "")) for key in LIMIT}
    return {**shown, "field": f"limit:{place}", "pointer": f"{pointer}/limits/{place}"}
