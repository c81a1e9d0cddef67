"""What applies to one tool or method, in the order of judgement: its own entry, patterns, `all_tools`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from toolgate.policy.charges import Ceilings, Ledger
from toolgate.policy.decision import Subject, Verdict
from toolgate.policy.definition import UNKNOWN, Definition, Mode, Tool
from toolgate.policy.entries import CompiledEntry, Entry
from toolgate.policy.flows import Flow
from toolgate.policy.history import History
from toolgate.policy.paths import Gap, fold, has_twin
from toolgate.policy.responses import response_of

_WORDS: dict[str, Mode | None] = {"closed": "closed", "auto": "auto", "declared": "declared", "off": None}
_STRICTNESS = tuple(_WORDS)


class Rules:
    """Compiled entries for one tool or method.

    `refusal` is the verdict of steps 1 to 3 of the order where they end it; `unknown` stands for a tool whose
    definition is not known.
    """

    __slots__ = (
        *(
            "_approvals",
            "_denials",
            "_folded",
            "_goes_on",
            "_history",
            "_keys",
            "_ledger",
            "_mode",
            "_requires",
            "_unknown",
        ),
        *("always_asks", "listed", "refusal", "response", "settles", "shown"),
    )

    def __init__(
        self,
        entries: list[Entry],
        ceilings: Callable[[], Ceilings],
        unknown: Tool,
        refusal: Verdict | None,
        *,
        shown: bool = True,
        listed: bool = True,
        flows: Sequence[Flow] = (),
    ) -> None:
        self.refusal = refusal
        self._unknown = unknown
        self.shown = shown
        self.listed = listed
        compiled = [CompiledEntry(entry) for entry in entries]
        self._requires = tuple((rule.judge, rule) for entry in compiled for rule in entry.requires)
        self._denials = tuple((rule.judge, rule) for entry in compiled for rule in entry.denials)
        self._approvals = tuple(approval for entry in compiled for approval in entry.approvals)
        self.always_asks = any(approval.rule is None for approval in self._approvals)
        every = [limit for entry in compiled for limit in entry.limits]
        limits = [limit for limit in every if not limit.repeats]
        repeats = [limit for limit in every if limit.repeats]
        self._history = History(unknown.name, repeats, flows) if repeats or flows else None
        self._goes_on = self._history is not None or bool(self._approvals)
        self._ledger = Ledger(limits, ceilings() if limits else {})
        self.settles = any(limit.settle for limit in limits)
        self.response = response_of(entries, limits)
        self._mode = strictest([entry.asks for entry in compiled if entry.asks])
        self._keys = frozenset(path.key for entry in compiled for path in entry.paths)
        self._folded = frozenset(map(fold, self._keys))

    def judge(
        self, arguments: dict[str, object], subject: Subject, now: float, definition: Definition | None, digest: str
    ) -> Verdict:
        """Steps 3 to 6, and what steps 7 to 9 need."""
        if self.refusal is not None:
            return self.refusal
        if self._mode is not None:
            fault = UNKNOWN if definition is None else definition.refusal(arguments, self._mode)
            if fault:
                return Verdict("deny", "(schema)", fault)
        if self._keys and not arguments.keys() <= self._keys:
            arguments = masked(arguments, self._keys, self._folded)
        tool = self._unknown if definition is None else definition
        for judge, rule in self._requires:
            if judge(arguments, subject, now, tool) is not True:
                return Verdict("deny", rule.pointer, rule.message(True, arguments, subject, now, tool))
        for judge, rule in self._denials:
            if judge(arguments, subject, now, tool) is not False:
                return Verdict("deny", rule.pointer, rule.message(False, arguments, subject, now, tool))
        verdict = self._ledger.draw(arguments, subject)
        if self._goes_on and verdict.outcome == "allow":
            return self._asked(verdict, arguments, subject, now, tool, digest)
        return verdict

    def _asked(
        self,
        verdict: Verdict,
        arguments: dict[str, object],
        subject: Subject,
        now: float,
        tool: Tool,
        digest: str,
    ) -> Verdict:
        """With what is asked of earlier calls; and the first reason to ask a person, which leaves the charges."""
        charges = verdict.charges
        if self._history is not None:
            charges = (*self._history.charges(subject, tool.category, digest), *charges)
        for approval in self._approvals:
            rule, message = approval.rule, approval.message
            if rule is not None:
                if rule.judge(arguments, subject, now, tool) is False:
                    continue
                message = rule.message(False, arguments, subject, now, tool)
            return Verdict("wait", approval.pointer, message, charges, approval.timeout)
        return Verdict("allow", "", "", charges)


def masked(arguments: dict[str, object], keys: frozenset[str], folded: frozenset[str]) -> dict[str, object]:
    """The arguments with a gap for each of the `keys` that rules read and beside which a twin stands."""
    if not any(fold(key) in folded for key in arguments.keys() - keys):
        return arguments
    return {**arguments, **{key: Gap.TWIN for key in keys if has_twin(arguments, key)}}


def strictest(asked: list[str]) -> Mode | None:
    """The strictest that the entries ask for. `all_tools` (`default`) counts only where no other has a word."""
    words = [word for word in asked if word != "default"] or ["auto" for _ in asked] or ["off"]
    return _WORDS[min(words, key=_STRICTNESS.index)]
