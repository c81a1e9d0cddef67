"""Lints: documents that are valid and probably do not mean what their author thinks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from toolgate.policy.agreement import every_entry
from toolgate.policy.answer_lint import find_unfitting_reserves
from toolgate.policy.categories import PRECEDENCE, RISK
from toolgate.policy.charges import ceilings
from toolgate.policy.compiler import compile_policy
from toolgate.policy.conditions import Rule
from toolgate.policy.contradictions import contradiction
from toolgate.policy.definition import Definition
from toolgate.policy.document import Document
from toolgate.policy.earlier_lint import find_idle_flows, find_idle_repeats
from toolgate.policy.entries import CompiledEntry, Entry
from toolgate.policy.findings import Finding
from toolgate.policy.names import is_pattern, matches
from toolgate.policy.paths import Path
from toolgate.policy.trifecta import find_trifecta

__all__ = ["Finding", "is_anchored", "lint"]

Definitions = Mapping[str, Definition]


def lint(document: Document, definitions: Definitions | None = None) -> list[Finding]:
    """Look a valid document over; with the server's definitions also against its tools. Sorted by place."""
    findings = [finding for entry in every_entry(document.raw) for finding in _entry(entry, document, definitions)]
    findings += _shared_maxima(document)
    findings += find_unfitting_reserves(document.raw)
    findings += find_idle_flows(document.raw, compile_policy(document), definitions)
    if definitions is not None:
        findings += _names(document, definitions)
        findings += _uncovered(document, definitions)
        findings += _trifecta(document, definitions)
    return sorted(findings, key=lambda finding: (finding.pointer, finding.code))


def _entry(entry: Entry, document: Document, definitions: Definitions | None) -> Iterator[Finding]:
    compiled = CompiledEntry(entry)
    yield from _unreachable(entry, document)
    yield from find_idle_repeats(entry)
    for rule in compiled.requires:
        yield from _unanchored(rule)
        if not rule.conditions:
            yield _always_holds(rule)
    firing = [*compiled.denials, *(approval.rule for approval in compiled.approvals if approval.rule)]
    for rule in [*firing, *compiled.requires]:
        yield from _never(rule, fires=rule in firing)
        yield from _no_class(rule)
    for place, rule in enumerate(compiled.denials[:-1]):
        if not rule.conditions:
            later = compiled.denials[place + 1].pointer
            yield Finding("warning", later, "never-fires", "an earlier rule denies every call", "remove one of them")
            break
    yield from _unchecked(entry, compiled)
    if definitions is not None and entry.section == "tools":
        for definition in _matched(entry.key, definitions):
            yield from _optional(firing, definition)


def _matched(key: str, definitions: Definitions) -> list[Definition]:
    """The tools that a name or pattern covers; a server may have thousands."""
    if not is_pattern(key):
        return [definitions[key]] if key in definitions else []
    return [definition for name, definition in definitions.items() if matches(key, name)]


def _always_holds(rule: Rule) -> Finding:
    mend = "add conditions, or move the rule to `deny_if`, where an empty one denies every call"
    return Finding("warning", rule.pointer, "always-holds", "a requirement without conditions always holds", mend)


def _unanchored(rule: Rule) -> Iterator[Finding]:
    for place, condition in enumerate(rule.conditions):
        if condition.operator.name == "regex" and not is_anchored(str(condition.operand)):
            pointer = f"{rule.pointer}/conditions/{place}"
            cause = f"the pattern accepts any text around a match, so {condition.path.shown} may hold more"
            yield Finding("warning", pointer, "unanchored-regex", cause, "use `full_match`, or `^(...)$`")


def is_anchored(pattern: str) -> bool:
    """Whether the pattern must cover the whole text: anchors at both ends and no alternative beside them."""
    starts = pattern.startswith(("^", "\\A"))
    ends = (pattern.endswith("$") and not pattern.endswith("\\$")) or pattern.endswith("\\z")
    return starts and ends and not _has_bare_alternative(pattern)


def _has_bare_alternative(pattern: str) -> bool:
    depth, at, in_class = 0, 0, False
    while at < len(pattern):
        letter = pattern[at]
        if letter == "\\":
            at += 1
        elif in_class:
            in_class = letter != "]"
        elif letter == "[":
            in_class = True
        elif letter == "|" and depth == 0:
            return True
        else:
            depth += (letter == "(") - (letter == ")")
        at += 1
    return False


def _never(rule: Rule, *, fires: bool) -> Iterator[Finding]:
    cause = contradiction(rule)
    if not cause:
        return
    code = "never-fires" if fires else "never-holds"
    mend = "correct the values" if fires else "correct the values: as it is, the rule denies every call"
    yield Finding("warning", rule.pointer, code, cause, mend)


_CLASSES: dict[str, tuple[str, ...]] = {"tool.category": PRECEDENCE, "tool.risk": tuple(dict.fromkeys(RISK.values()))}
_COMPARING = ("eq", "neq", "in", "not_in")


def _no_class(rule: Rule) -> Iterator[Finding]:
    """A word that no tool is ever judged to be: the rule looks as if it guarded something."""
    for place, condition in enumerate(rule.conditions):
        classes = _CLASSES.get(condition.path.root)
        if classes is None or condition.operator.name not in _COMPARING or type(condition.operand) is dict:
            continue
        asked = condition.operand if type(condition.operand) is list else [condition.operand]
        for word in asked:
            if type(word) is str and word not in classes:
                cause = f"{condition.path.shown} is never `{word}`"
                mend = f"use {', '.join(f'`{known}`' for known in classes)}, with the capital letter"
                yield Finding("warning", f"{rule.pointer}/conditions/{place}", "unknown-class", cause, mend)


def _unreachable(entry: Entry, document: Document) -> Iterator[Finding]:
    hidden = next((name for name in document.raw.get("hide", ()) if matches(name, entry.key)), None)
    if entry.section == "tools" and hidden is not None:
        cause = f"`hide` covers `{entry.key}` with `{hidden}`, so nothing here is ever asked"
        yield Finding("warning", entry.pointer, "never-fires", cause, "remove one of them")
    asked = ("require", "deny_if", "limits", "rate_limit", "repeat_limit", "require_approval", "response")
    beside = [key for key in asked if entry.raw.get(key)]
    if entry.raw.get("action") == "deny" and beside:
        cause = f"`action` denies every call, so `{beside[0]}` is never asked"
        yield Finding("warning", f"{entry.pointer}/{beside[0]}", "never-fires", cause, "remove one of them")
    if _lists_nothing(entry, document):
        cause = f"the pattern `{entry.key}` restricts, but under `default: deny` no tool that it matches is listed"
        mend = 'list the tools by name, or add `"action": "allow"`'
        yield Finding("warning", entry.pointer, "lists-nothing", cause, mend)


def _lists_nothing(entry: Entry, document: Document) -> bool:
    raw = document.raw
    if entry.section != "tools" or raw["default"] == "allow" or not is_pattern(entry.key) or "action" in entry.raw:
        return False
    others = raw["tools"].items()
    names = (key for key, _ in others if not is_pattern(key))
    allows = any(is_pattern(key) and other.get("action") == "allow" for key, other in others)
    return not allows and not any(matches(entry.key, name) for name in names)


def _unchecked(entry: Entry, compiled: CompiledEntry) -> Iterator[Finding]:
    if entry.raw.get("schema") == "off" and compiled.paths:
        cause = "the rules read arguments that are not checked against the schema of the tool"
        mend = "leave `schema` out, so that undeclared and mistyped arguments are refused"
        yield Finding("warning", f"{entry.pointer}/schema", "unchecked-arguments", cause, mend)


def _optional(firing: list[Rule], definition: Definition) -> Iterator[Finding]:
    schema = definition.input_schema if type(definition.input_schema) is dict else {}
    required, declared = schema.get("required") or (), schema.get("properties") or {}
    for rule in firing:
        asked = {condition.path.steps for condition in rule.conditions if condition.operator.name == "exists"}
        for place, condition in enumerate(rule.conditions):
            path = condition.path
            if _is_left_out(path, required, declared) and path.steps not in asked:
                cause = f"{path.shown} is optional in `{definition.name}`: a call without it is stopped too"
                mend = f'if that is not meant, add `{{"path": "{path.text}", "op": "exists", "value": true}}`'
                yield Finding("warning", f"{rule.pointer}/conditions/{place}", "optional-argument", cause, mend)


def _is_left_out(path: Path, required: object, declared: object) -> bool:
    return path.root == "args" and path.key in declared and path.key not in required  # type: ignore[operator]


def _uncovered(document: Document, definitions: Definitions) -> Iterator[Finding]:
    entries = [(entry, CompiledEntry(entry)) for entry in every_entry(document.raw) if entry.section != "methods"]
    shared = {path.key for entry, compiled in entries if entry.section == "all_tools" for path in compiled.paths}
    covering: dict[str, list[tuple[Entry, CompiledEntry]]] = {}
    for entry, compiled in entries:
        if entry.section == "tools":
            for definition in _matched(entry.key, definitions):
                covering.setdefault(definition.name, []).append((entry, compiled))
    for name, own in covering.items():
        read = shared | {path.key for _, compiled in own for path in compiled.paths}
        if read:
            yield from _unread(own[0][0], definitions[name], read)


def _unread(entry: Entry, definition: Definition, read: set[str]) -> Iterator[Finding]:
    schema = definition.input_schema
    properties = schema.get("properties") if type(schema) is dict else None
    for name, declared in (properties if type(properties) is dict else {}).items():
        if name not in read and type(declared) is dict and _is_free_text(declared):
            cause = f"no rule reads the text argument `{name}` of `{definition.name}`"
            mend = "add a rule for it if a caller could do harm with it"
            yield Finding("note", entry.pointer, "uncovered-argument", cause, mend)


def _is_free_text(declared: dict[str, object]) -> bool:
    kind = declared.get("type")
    is_text = kind == "string" or (type(kind) is list and "string" in kind)
    return is_text and "enum" not in declared and "const" not in declared


def _shared_maxima(document: Document) -> Iterator[Finding]:
    tightest = ceilings(limit for entry in every_entry(document.raw) for limit in entry.limits())
    for entry in every_entry(document.raw):
        for limit in entry.limits():
            lowest = tightest[limit.scope, limit.name]
            if lowest.maximum < limit.maximum:
                cause = (
                    f"the counter `{limit.counter}` is shared with `{lowest.pointer}`, whose `max` is lower and counts"
                )
                yield Finding(
                    "note", limit.pointer, "shared-maximum", cause, "give the counter another name or one `max`"
                )


def _names(document: Document, definitions: Definitions) -> Iterator[Finding]:
    raw = document.raw
    places = [(key, pointer) for key, pointer in _tool_keys(raw) if not _matched(key, definitions)]
    for key, pointer in places:
        kind = "no tool that matches" if is_pattern(key) else "no tool"
        mend = "correct the name; names are case-sensitive"
        yield Finding("warning", pointer, "unknown-tool", f"the server has {kind} `{key}`", mend)


def _tool_keys(raw: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for entry in every_entry(raw):
        if entry.section == "tools":
            yield entry.key, entry.pointer
    for place, name in enumerate(raw.get("hide", ())):
        yield name, f"/hide/{place}"


def _trifecta(document: Document, definitions: Definitions) -> Iterator[Finding]:
    policy = compile_policy(document)
    callable_here: Callable[[str], bool] = policy.could_call
    callable_tools = [definition for name, definition in definitions.items() if callable_here(name)]
    legs = find_trifecta(callable_tools, policy.flows)
    if legs is not None:
        private, untrusted, outward = legs
        cause = (
            f"one grant can read private data (`{private}`), meet text of strangers (`{untrusted}`) "
            f"and send to the outside (`{outward}`)"
        )
        mend = "hide one of the three, let the sending tool wait for approval, or deny it after the others with `flows`"
        yield Finding("warning", "", "lethal-trifecta", cause, mend)
