"""Rules that let calls like an approved one pass without a person: narrow edits of a policy, each tried at once.

Pure: the text of a policy and a call in, texts out. An edit is offered only if the policy that it makes lets this very
call pass, and, where it sets an amount, still stops the next larger one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from jiter import LosslessFloat

from toolgate.classifier.arguments import step
from toolgate.control.builder.spans import find, has, read, tokens
from toolgate.control.builder.splices import put
from toolgate.policy.categories import Category
from toolgate.policy.compiler import compile_policy
from toolgate.policy.decision import Subject
from toolgate.policy.definition import Definition
from toolgate.policy.document import PolicyError, parse
from toolgate.policy.entries import escape

_ABOVE: Final = frozenset({"gt", "gte"})
_MOST: Final = 12
"""Arguments of a call beyond which "exactly these" would be a rule that nobody reads."""

Rules = list[dict[str, Any]]


@dataclass(slots=True, frozen=True)
class Asked:
    """The call that a person was asked about, and the rule (RFC 6901) that asked. `now`: epoch seconds."""

    tool: str
    arguments: Mapping[str, Any]
    rule: str
    subject: Subject
    definition: Mapping[str, Any] | None
    now: float
    category: Category | None = None
    """What the tool is taken for."""


@dataclass(slots=True, frozen=True)
class Ease:
    """One edit: `key` names it in a form, `words` say what no longer asks, `text` is the policy with it."""

    key: str
    words: str
    text: str


def eases(text: str, asked: Asked) -> list[Ease]:
    """What may be offered for this call; nothing where its rule is a pattern's, stands elsewhere, or is gone."""
    if not _stands(text, asked):
        return []
    return [ease for ease in (*_amounts(text, asked), *_exactly(text, asked)) if _passes(ease.text, asked)]


def _stands(text: str, asked: Asked) -> bool:
    """Whether the rule is the tool's own, and still where it was."""
    where = tokens(asked.rule) if asked.rule.startswith("/") else []
    own = where[:2] == ["tools", asked.tool] and where[2:3] in (["action"], ["require_approval"])
    return own and has(read(text), asked.rule)


def _amounts(text: str, asked: Asked) -> Iterator[Ease]:
    for name, value in asked.arguments.items():
        if type(value) not in {int, LosslessFloat} or float(value) <= 0:
            continue
        condition = {"path": f"args{step(name)}", "op": "gt", "value": value}
        eased = _edited(text, asked, partial(_raised, condition))
        larger = {**asked.arguments, name: LosslessFloat(b"%d" % (int(float(value)) + 1))}
        if _outcome(eased, asked, larger) != "allow":
            yield Ease(f"upto:{name}", f"`{name}` up to {value}, whatever else the call says", eased)


def _raised(condition: dict[str, Any], rule: dict[str, Any]) -> Rules:
    """The rule for larger amounts alone: a threshold that it has is moved, else one is added."""
    conditions = list(rule["conditions"])
    for place, known in enumerate(conditions):
        if known["path"] == condition["path"] and known["op"] in _ABOVE:
            conditions[place] = condition
            return [{**rule, "conditions": conditions}]
    return [{**rule, "conditions": [*conditions, condition]}]


def _exactly(text: str, asked: Asked) -> Iterator[Ease]:
    """The rule for every call but one with these arguments and no others: it asks if any of them differs."""
    plain = all(isinstance(value, str | bool | int | LosslessFloat) for value in asked.arguments.values())
    others = _declared(asked.definition)
    if not plain or not 0 < len(asked.arguments) <= _MOST or others is None:
        return
    differs: Rules = [
        {"path": f"args{step(name)}", "op": "neq", "value": value} for name, value in asked.arguments.items()
    ]
    differs += [
        {"path": f"args{step(name)}", "op": "exists", "value": True} for name in others if name not in asked.arguments
    ]
    eased = _edited(text, asked, lambda rule: [{**rule, "conditions": [*rule["conditions"], one]} for one in differs])
    yield Ease("exactly", "exactly these arguments", eased)


def _declared(definition: Mapping[str, Any] | None) -> list[str] | None:
    """The arguments that the tool may be given; None where it may be given others too, which no rule could name."""
    schema = (definition or {}).get("inputSchema")
    if not isinstance(schema, Mapping) or not isinstance(schema.get("properties"), Mapping):
        return None
    open_ended = schema.get("additionalProperties") not in {None, False} or "patternProperties" in schema
    return None if open_ended else list(schema["properties"])


def _edited(text: str, asked: Asked, change: Callable[[dict[str, Any]], Rules]) -> str:
    """The text in which `change` was made to the rule that asked; an action becomes rules that ask."""
    pointer = f"/tools/{escape(asked.tool)}"
    entry: dict[str, Any] = find(read(text), pointer).plain()
    if asked.rule.endswith("/action"):
        reason = {"on_deny": entry["reason"]} if "reason" in entry else {}
        rules = [*change({"conditions": [], **reason}), *entry.get("require_approval", [])]
        kept = {key: value for key, value in entry.items() if key not in {"action", "reason", "require_approval"}}
    else:
        place = int(tokens(asked.rule)[3])
        rules = list(entry["require_approval"])
        rules[place : place + 1] = change(rules[place])
        kept = {key: value for key, value in entry.items() if key != "require_approval"}
    return put(text, pointer, {**kept, "require_approval": rules})


def _passes(text: str, asked: Asked) -> bool:
    return _outcome(text, asked, asked.arguments) == "allow"


def _outcome(text: str, asked: Asked, arguments: Mapping[str, Any]) -> str:
    """What the policy says of the tool with these arguments; "" for one that does not validate."""
    try:
        policy = compile_policy(parse(text))
    except PolicyError:
        return ""
    definition = Definition(asked.definition, asked.category) if asked.definition is not None else None
    return policy.judge(asked.tool, dict(arguments), asked.subject, asked.now, definition).outcome
