"""Cases: calls with the decision that their author expects, in a JSON file beside the policy.

    {"policy": {...} or "policy.json", "tools": [tool objects of tools/list], "categories": {"run": "Execute"},
     "cases": [{"note": "...", "tool": "run", "arguments": {}, "grant": {"label": "ci"}, "time": "2026-03-01T12:00:00Z",
                "want": {"outcome": "deny", "rule": "/tools/run/require/0"}}]}

A tool that no category is said of, in the file or in the case itself (`category`), has none, as before somebody accepts
its classification.
A case may say which calls of its grant went before (`"after": ["read_ticket", {"tool": "search", "times": 3}]`), all at
the time of the case; each must be allowed, or wait for a person, who consents. Only with `after` it is told whether a
limit is used up or a flow denies; without, what the call would be charged. Nothing is kept from one case to the next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import jiter

from toolgate.errors import ToolgateError
from toolgate.policy.agreement import every_entry
from toolgate.policy.case_shape import check_cases, read_time
from toolgate.policy.categories import Category
from toolgate.policy.compiler import Policy, compile_policy
from toolgate.policy.decision import Subject, Verdict
from toolgate.policy.definition import Definition
from toolgate.policy.document import Document, parse
from toolgate.policy.earlier import Earlier, digest_of
from toolgate.policy.entries import CompiledEntry, Entry
from toolgate.policy.words import decimal


class CasesError(ToolgateError):
    """A file of cases that cannot be run."""


@dataclass(slots=True, frozen=True)
class CaseResult:
    """One case: what it wanted, what came out, and how they differ (nothing where it passed)."""

    note: str
    pointer: str
    verdict: Verdict
    differences: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether everything came out as wanted."""
        return not self.differences


@dataclass(slots=True, frozen=True)
class CasesReport:
    """`covered` and `uncovered` are pointers of rules and limits: whether some case was decided or charged by them."""

    results: tuple[CaseResult, ...]
    covered: tuple[str, ...] = field(default=())
    uncovered: tuple[str, ...] = field(default=())

    @property
    def passed(self) -> bool:
        """Whether every case passed."""
        return all(result.passed for result in self.results)


def run_cases(text: bytes | str, read_policy: Callable[[str], bytes | str] | None = None) -> CasesReport:
    """Run a file of cases. `read_policy` gives the text of a policy that the file names by path.

    Raises `CasesError` for a file of another shape and `PolicyError` for a policy that is not valid.
    """
    raw = _read(text)
    document = _document(raw["policy"], read_policy)
    policy = compile_policy(document)
    tools = Tools(raw)
    results = tuple(_run(case, f"/cases/{place}", policy, tools) for place, case in enumerate(raw["cases"]))
    reached = {result.verdict.rule for result in results}
    reached |= {charge.rule for result in results for charge in result.verdict.charges}
    rules = rule_pointers(document)
    covered = tuple(pointer for pointer in rules if pointer in reached)
    return CasesReport(results, covered, tuple(pointer for pointer in rules if pointer not in reached))


def _read(text: bytes | str) -> dict[str, Any]:
    try:
        body = text.encode() if isinstance(text, str) else text
        value = jiter.from_json(body, catch_duplicate_keys=True, float_mode="lossless-float", allow_inf_nan=False)
    except ValueError as error:
        raise CasesError("cases", f"the file is not valid JSON: {error}", "correct the JSON at that place") from error
    problem = check_cases(value)
    if problem is not None:
        raise CasesError(problem.pointer or "cases", problem.cause, problem.mend)
    assert type(value) is dict
    return value


def _document(policy: object, read_policy: Callable[[str], bytes | str] | None) -> Document:
    if type(policy) is str:
        if read_policy is None:
            raise CasesError("/policy", f"the policy `{policy}` is not at hand", "write the policy into the file")
        return parse(read_policy(policy))
    return Document.checked(policy)


class Tools:
    """The tools of a file of cases, each of the category that the file or one of its cases says."""

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self._tools = {str(tool.get("name", "")): tool for tool in raw.get("tools", ())}
        self._categories: Mapping[str, Category] = raw.get("categories", {})

    def of(self, case: Mapping[str, Any], name: str) -> Definition | None:
        """The tool that a case calls; None where nothing is known of it."""
        category = case.get("category") or self._categories.get(name)
        if name not in self._tools and category is None:
            return None
        return Definition(self._tools.get(name, {"name": name}), category)


def _run(case: dict[str, Any], pointer: str, policy: Policy, tools: Tools) -> CaseResult:
    subject, now = _subject(case.get("grant", {})), read_time(case.get("time"))
    assert now is not None  # checked
    judged = Judged(policy, subject, now, counts="after" in case)
    unlike = [found for place, one in enumerate(case.get("after", ())) for found in judged.before(one, place, tools)]
    method, params = _message(case)
    shown = None
    if method == "tools/call":
        name = params["name"]
        verdict = judged.call(name, params.get("arguments", {}), tools.of(case, name))
        shown = policy.lists(name)
    else:
        verdict = judged.message(method, params)
    unlike += _differences(case["want"], verdict, shown)
    return CaseResult(case.get("note", pointer), pointer, verdict, tuple(unlike))


class Judged:
    """The calls of one case, in their order, against one policy; `counts`: whether one takes from the next."""

    def __init__(self, policy: Policy, subject: Subject, now: float, *, counts: bool) -> None:
        self._policy = policy
        self._subject = subject
        self._now = now
        self._earlier = Earlier(policy) if counts else None

    def before(self, call: str | dict[str, Any], place: int, tools: Tools) -> Iterator[str]:
        """Make one earlier call, as often as it says; what stands against that, if something does."""
        raw: dict[str, Any] = call if isinstance(call, dict) else {"tool": call}
        name = raw["tool"]
        for _ in range(raw.get("times", 1)):
            verdict = self.call(name, raw.get("arguments", {}), tools.of(raw, name))
            if verdict.outcome == "deny":
                yield f"`after` cannot have been: call {place} of it, `{name}`, is denied by `{verdict.rule}`"
                return

    def call(self, name: str, arguments: dict[str, Any], definition: Definition | None) -> Verdict:
        """Judge a call, and take what it is charged."""
        digest = digest_of(arguments) if type(arguments) is dict else ""
        verdict = self._policy.judge(name, arguments, self._subject, self._now, definition, digest)
        return self._earlier.take(verdict, name, self._subject) if self._earlier else verdict

    def message(self, method: str, params: dict[str, Any]) -> Verdict:
        """Judge any other message, and take what it is charged."""
        digest = digest_of(params) if type(params) is dict else ""
        verdict = self._policy.judge_method(method, params, self._subject, self._now, digest)
        return self._earlier.take(verdict, method, self._subject) if self._earlier else verdict


def _message(case: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    if "request" in case:
        return case["request"]["method"], case["request"].get("params", {})
    if "method" in case:
        return case["method"], case.get("params", {})
    return "tools/call", {"name": case["tool"], "arguments": case.get("arguments", {})}


def _subject(grant: dict[str, Any]) -> Subject:
    return Subject(
        grant_id=grant.get("id", "grant"),
        label=grant.get("label", ""),
        principal=grant.get("principal", ""),
        server_id=grant.get("server", "server"),
        organisation_id=grant.get("organisation", "organisation"),
        labels=grant.get("labels", {}),
        session_id=grant.get("session", ""),
    )


def _differences(want: dict[str, Any], verdict: Verdict, shown: bool | None) -> list[str]:
    got: dict[str, object] = {
        "outcome": verdict.outcome,
        "rule": verdict.rule,
        "shown": shown,
        "timeout": verdict.approval_timeout,
        "charges": {charge.counter: decimal(charge.amount) for charge in verdict.charges},
    }
    wanted = {**want, "charges": {key: str(value) for key, value in want.get("charges", {}).items()}}
    if "charges" not in want:
        del wanted["charges"]
    found = [
        f"{key} is `{got[key]}`, wanted `{value}`" for key, value in wanted.items() if key in got and got[key] != value
    ]
    message = want.get("message")
    if message is not None and message not in verdict.message:
        found.append(f"message is `{verdict.message}`, wanted `{message}` in it")
    return found


def rule_pointers(document: Document) -> list[str]:
    """Every flow, rule and limit that can decide or charge a call, in the order of the document."""
    flows = [f"/flows/{place}" for place in range(len(document.raw.get("flows", ())))]
    return flows + [pointer for entry in every_entry(document.raw) for pointer in _pointers(entry)]


def _pointers(entry: Entry) -> list[str]:
    compiled = CompiledEntry(entry)
    denial = entry.denial()
    pointers = [denial[0]] if denial else []
    pointers += [rule.pointer for rule in (*compiled.requires, *compiled.denials)]
    pointers += [approval.pointer for approval in compiled.approvals]
    return pointers + [limit.pointer for limit in compiled.limits]
