"""Why a policy decides as it does: everything a call is asked, in the order of judgement (policy.md, section 4).

`explain` asks a call with its arguments and tells of each condition whether it is true, false or undefined, and why.
`looked_at` needs no arguments: it tells which rules concern a tool, and how far a recorded decision went. The steps
are those of the engine; what they say and what it decides is compared by the tests.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

from toolgate.policy.asking import Asked, Call, Truth, ask_rule, cost_fault, schema_fault, truth_of
from toolgate.policy.charges import Limit
from toolgate.policy.conditions import Rule
from toolgate.policy.decision import Subject
from toolgate.policy.definition import Definition
from toolgate.policy.document import Document
from toolgate.policy.entries import Approval, CompiledEntry, Entry, entry_for
from toolgate.policy.flows import Flow, read_flows
from toolgate.policy.methods import passes_by_default
from toolgate.policy.names import is_pattern, matches, matching
from toolgate.policy.rules import strictest
from toolgate.policy.words import conditions_words, flow_words, limit_words, response_words, some_words, span_words

Stage = Literal[
    "arguments", "hidden", "listed", "action", "schema", "require", "deny_if", "flows", "limits", "approval", "answer"
]
Effect = Literal["passes", "denies", "waits", "unreached"]
_CALL = "tools/call"


@dataclass(slots=True, frozen=True)
class Step:
    """One thing that is looked at.

    `pointer` is RFC 6901 into the document or the word that a decision names; `words` say what is asked; `truth` is
    that of a rule (for a `require` true is good, for the others bad), "" where nothing was asked; `why` tells of the
    call. `effect` is `unreached` behind the step that decided.
    """

    stage: Stage
    pointer: str
    words: str
    effect: Effect = "passes"
    truth: Truth = ""
    why: str = ""
    conditions: tuple[Asked, ...] = ()

    @property
    def decides(self) -> bool:
        """Whether the outcome is this step's."""
        return self.effect in ("denies", "waits")


def explain(
    document: Document,
    name: str,
    arguments: dict[str, object],
    subject: Subject,
    now: float,
    definition: Definition | None,
) -> tuple[Step, ...]:
    """Everything that one `tools/call` is asked; `now` in epoch seconds. Limits are not looked up in any counter.

    No step decides where the call passes. Behind the step that decides, rules still say what they would.
    """
    if type(arguments) is not dict:
        return (_MALFORMED,)
    call = Call(name, arguments, subject, now, definition)
    return _ended(_tool_steps(document.raw, name, call))


def explain_method(
    document: Document, method: str, params: dict[str, object], subject: Subject, now: float
) -> tuple[Step, ...]:
    """The same for any message but `tools/call`."""
    if type(params) is not dict:
        return (_MALFORMED,)
    return _ended(_method_steps(document.raw, method, Call(method, params, subject, now, None)))


def looked_at(document: Document, name: str, rule: str, *, method: str = _CALL) -> tuple[Step, ...]:
    """What a recorded decision looked at, without values: `name` is the tool, `rule` what the record names.

    "" as rule means that the call passed. Empty where the policy was not asked (`(unknown)`, `(malformed)` and the
    like): `NOT_ASKED` has words for those.
    """
    if rule in NOT_ASKED:
        return ()
    called = method == _CALL
    steps = _tool_steps(document.raw, name, None) if called else _method_steps(document.raw, method, None)
    return _decided_by([replace(step, effect="passes") for step in steps], rule)


NOT_ASKED = {
    "(no policy)": "the grant has no policy, so every call is denied",
    "/hidden_text": "it holds characters that people do not see, and the policy withholds such messages",
    "(malformed)": "the message could not be read as one call with one meaning",
    "(stopped)": "somebody stopped the grant or its server",
    "(pinned)": "the definition of the tool changed and waits for somebody to accept it",
    "(unknown)": "the server has no such tool",
    "(task)": "the task belongs to another grant, or to nobody",
    "(error)": "an error inside the gateway; what cannot be judged is denied",
    "(store)": "the counters could not be reached; what cannot be counted is denied",
}
"""Words of a decision that no rule of the document made."""

_MALFORMED = Step("arguments", "(malformed)", "the arguments are a JSON object", "denies", "false")


def _decided_by(steps: list[Step], rule: str) -> tuple[Step, ...]:
    if not rule:
        return tuple(steps)
    at = next((place for place, step in enumerate(steps) if step.pointer == rule), None)
    if at is None:
        # A counter that another entry shares and keeps tighter.
        at = max((place + 1 for place, step in enumerate(steps) if step.stage == "limits"), default=len(steps))
        steps.insert(at, Step("limits", rule, "a limit whose counter is shared with this one"))
    effect: Effect = "waits" if steps[at].stage == "approval" else "denies"
    later = (replace(step, effect="unreached") for step in steps[at + 1 :])
    return (*steps[:at], replace(steps[at], effect=effect), *later)


def _ended(steps: Iterator[Step]) -> tuple[Step, ...]:
    """The first step that denies or waits ends the judgement."""
    found: list[Step] = []
    over = False
    for step in steps:
        found.append(replace(step, effect="unreached") if over else step)
        over = over or step.decides
    return tuple(found)


def _tool_steps(raw: dict[str, Any], name: str, call: Call | None) -> Iterator[Step]:
    entries = _entries(raw, "tools", name)
    yield _hidden(raw, name)
    yield _listed(raw, "(default deny)", _is_listed(raw, name, entries))
    everywhere = [Entry(raw["all_tools"], "/all_tools", "all_tools", "all_tools")] if "all_tools" in raw else []
    yield from _entry_steps(entries, everywhere, call, [_flow(flow, name, call) for flow in _flows(raw, name, call)])


def _method_steps(raw: dict[str, Any], method: str, call: Call | None) -> Iterator[Step]:
    entries = _entries(raw, "methods", method)
    passes = passes_by_default(method, call.arguments if call else {})
    listed = method != _CALL and (_is_listed(raw, method, entries) or passes)
    yield _listed(raw, "(method)", listed)
    yield from _entry_steps(entries, [], call, [])


def _entries(raw: dict[str, Any], section: str, name: str) -> list[Entry]:
    """The exact entry, then patterns by code point."""
    known = raw.get(section, {})
    keys = [name] if name in known and not is_pattern(name) else []
    keys += matching(sorted(key for key in known if is_pattern(key)), name)
    return [entry_for(section, key, known[key]) for key in keys]


def _is_listed(raw: dict[str, Any], name: str, entries: list[Entry]) -> bool:
    own = any(entry.key == name and not is_pattern(name) for entry in entries)
    return raw["default"] == "allow" or own or any(entry.raw.get("action") == "allow" for entry in entries)


def _hidden(raw: dict[str, Any], name: str) -> Step:
    hider = next((key for key in raw.get("hide", ()) if matches(key, name)), None)
    why = "nothing hides it" if hider is None else f"`hide` holds `{hider}`"
    found = hider is not None
    return Step("hidden", "(hidden)", "hidden tools are denied", _bad(found), truth_of(found), why)


def _listed(raw: dict[str, Any], word: str, listed: bool) -> Step:
    words = f"what nothing lists is {'denied' if raw['default'] == 'deny' else 'allowed'}"
    why = f"{'it is listed' if listed else 'nothing lists it'}, and `default` is `{raw['default']}`"
    return Step("listed", word, words, _bad(not listed), truth_of(not listed), why)


def _flows(raw: dict[str, Any], name: str, call: Call | None) -> list[Flow]:
    """Those that may refuse the tool or begin with it; without a call also those that its category decides on."""
    category = call.tool.category if call else ""
    return [flow for flow in read_flows(raw) if flow.concerns(name, category)]


def _flow(flow: Flow, name: str, call: Call | None) -> Step:
    """What was used before is in no document: whether the flow refuses the call cannot be told here."""
    category = call.tool.category if call else ""
    if flow.deny.covers(name, category):
        return Step("flows", flow.pointer, flow_words(flow), why=flow.on_deny)
    return Step("flows", flow.pointer, f"counts for the flow by which {some_words(flow.deny)} is {flow_words(flow)}")


def _entry_steps(entries: list[Entry], everywhere: list[Entry], call: Call | None, flows: list[Step]) -> Iterator[Step]:
    """Steps 3 to 9. The action of `all_tools` does not exist, so its place among the entries does not matter."""
    for entry in entries:
        if (denial := entry.denial()) is not None:
            pointer, reason = denial
            yield Step("action", pointer, "every call is denied", "denies", "true", reason)
    compiled = [CompiledEntry(entry) for entry in (*entries, *everywhere)]
    yield from _schema(compiled, call)
    seen = call.reading(path for each in compiled for path in each.paths) if call else None
    for each in compiled:
        for rule in each.requires:
            yield _rule("require", "must hold:", rule, seen)
    for each in compiled:
        for rule in each.denials:
            yield _rule("deny_if", "denied if", rule, seen)
    yield from flows
    limits = [limit for each in compiled for limit in each.limits]
    for limit in _by_counter(sorted(limits, key=lambda limit: not limit.repeats)):
        yield _limit(limit, seen)
    for approval in (approval for each in compiled for approval in each.approvals):
        yield _approval(approval, seen)
    yield from _answers([*entries, *everywhere])


def _answers(entries: list[Entry]) -> Iterator[Step]:
    """What happens to the answer, which denies no call."""
    for entry in entries:
        if "response" in entry.raw:
            yield Step("answer", f"{entry.pointer}/response", response_words(entry.raw["response"]))


def _schema(compiled: list[CompiledEntry], call: Call | None) -> Iterator[Step]:
    mode = strictest([entry.asks for entry in compiled if entry.asks])
    if mode is None:
        return
    words = f"the arguments must fit the tool's schema (`{mode}`)"
    fault = schema_fault(call, mode) if call else ""
    truth: Truth = truth_of(not fault) if call else ""
    yield Step("schema", "(schema)", words, _bad(bool(fault)), truth, fault)


def _rule(stage: Stage, opening: str, rule: Rule, call: Call | None) -> Step:
    truth, asked = ask_rule(rule, call, every=stage == "require")
    good: tuple[Truth, ...] = ("true", "") if stage == "require" else ("false", "")
    bad: Effect = "waits" if stage == "approval" else "denies"
    return Step(
        stage,
        rule.pointer,
        f"{opening} {_conditions(rule)}",
        "passes" if truth in good else bad,
        truth,
        rule.on_deny,
        asked,
    )


def _conditions(rule: Rule) -> str:
    return conditions_words(rule.conditions) or "the call is made"


def _approval(approval: Approval, call: Call | None) -> Step:
    span = f"for at most {span_words(approval.timeout)}"
    if approval.rule is not None:
        return _rule("approval", f"waits for a person {span} if", approval.rule, call)
    truth: Truth = "true"
    return Step("approval", approval.pointer, f"every call waits for a person {span}", "waits", truth, approval.message)


def _limit(limit: Limit, call: Call | None) -> Step:
    fault = cost_fault(limit, call) if call else ""
    return Step("limits", limit.pointer, f"{limit_words(limit)} (`{limit.counter}`)", _bad(bool(fault)), "", fault)


def _by_counter(limits: list[Limit]) -> Iterator[Limit]:
    """Limits of one counter are looked at together."""
    grouped: dict[tuple[str, str], list[Limit]] = {}
    for limit in limits:
        grouped.setdefault((limit.scope, limit.name), []).append(limit)
    for group in grouped.values():
        yield from group


def _bad(denies: bool) -> Effect:
    return "denies" if denies else "passes"
