"""A document as something that judges calls: rules become closures when their tool is first called."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from toolgate.policy.agreement import every_entry
from toolgate.policy.charges import Ceilings, ceilings
from toolgate.policy.decision import Subject, Verdict
from toolgate.policy.definition import Definition, Tool
from toolgate.policy.document import Document
from toolgate.policy.entries import Entry, asks_category, entry_for
from toolgate.policy.flows import Flow, read_flows
from toolgate.policy.methods import passes_by_default
from toolgate.policy.names import is_pattern, matches, matching
from toolgate.policy.problems import PolicyError, Problem
from toolgate.policy.responses import HIDDEN_TEXT, HiddenText, Response, of_anything
from toolgate.policy.rules import Rules

_REMEMBERED = 4096
_LONGEST_REMEMBERED = 256
"""Names from callers are remembered, but neither many nor long ones."""
_HIDDEN = Verdict("deny", "(hidden)", "the policy hides this tool", visible=False)
_UNLISTED = "the policy does not list this tool"
_METHOD = Verdict("deny", "(method)", "the policy does not list this method")
_MALFORMED = Verdict("deny", "(malformed)", "the arguments are no JSON object")
_VERSION = Problem("/version", "the policy is not of version `1`", "use the release of toolgate that stored it")


def compile_policy(document: Document) -> Policy:
    """Cheap: only names are sorted here; the rules of a tool are compiled on its first call."""
    return Policy(document)


class Policy:
    """One revision of a policy, ready to judge. Pure: the same input gives the same verdict."""

    __slots__ = (
        *("_denies_unlisted", "_flows", "_hidden", "_hides", "_lists_all", "_methods", "_raw", "_tightest", "_tools"),
        *("_anything", "hidden_text"),
    )

    def __init__(self, document: Document, tightest: Ceilings | None = None) -> None:
        raw = document.raw
        if raw.get("version") != "1":
            raise PolicyError([_VERSION])
        self._raw = raw
        self._denies_unlisted = raw["default"] == "deny"
        self._lists_all = raw.get("list") == "all"
        self._hidden = frozenset(key for key in raw.get("hide", ()) if not is_pattern(key))
        self._hides = tuple(key for key in raw.get("hide", ()) if is_pattern(key))
        self._tools = _Section("tools", raw.get("tools", {}), self._compile_tool)
        self._methods = _Section("methods", raw.get("methods", {}), self._compile_method)
        self._flows = read_flows(raw)
        self._tightest = tightest
        self._anything: Response | None = None
        self.hidden_text: HiddenText = raw.get("hidden_text", HIDDEN_TEXT[0])

    def judge(
        self,
        name: str,
        arguments: dict[str, object],
        subject: Subject,
        now: float,
        definition: Definition | None,
        digest: str = "",
    ) -> Verdict:
        """Judge one `tools/call`. `now` is in epoch seconds; `definition` None where the server's is not known.

        `digest` stands for the arguments wherever identical calls are counted; calls without one count as identical.
        """
        if type(arguments) is not dict:
            return _MALFORMED
        return self._tools.rules(name).judge(arguments, subject, now, definition, digest)

    def judge_method(
        self, method: str, params: dict[str, object], subject: Subject, now: float, digest: str = ""
    ) -> Verdict:
        """Judge any message but `tools/call`, in either direction; `digest` as in `judge`."""
        if type(params) is not dict:
            return _MALFORMED
        rules = self._methods.rules(method)
        if method == "tools/call" or not (rules.listed or passes_by_default(method, params)):
            return _METHOD
        return rules.judge(params, subject, now, None, digest)

    def lists(self, name: str) -> bool:
        """Whether `tools/list` shows the tool to the holder of the grant."""
        return self._tools.rules(name).shown

    @property
    def remembered(self) -> int:
        """How many names that the document does not hold are kept compiled; bounded."""
        return self._tools.remembered + self._methods.remembered

    @property
    def reads_categories(self) -> bool:
        """Whether some rule asks what a tool is: its category or risk."""
        return any(flow.reads_categories for flow in self._flows) or any(map(asks_category, every_entry(self._raw)))

    def flow(self, pointer: str) -> Flow | None:
        """The flow at `/flows/N`; None where there is none."""
        return next((flow for flow in self._flows if flow.pointer == pointer), None)

    def may_pass(self, name: str) -> bool:
        """Whether some call of the tool might pass: steps 1 to 3."""
        return self._tools.rules(name).refusal is None

    @property
    def flows(self) -> tuple[Flow, ...]:
        """Its flows, in the order of the document."""
        return self._flows

    def could_call(self, name: str) -> bool:
        """Whether some call of the tool might pass without a person: steps 1 to 3, and no approval of every call."""
        rules = self._tools.rules(name)
        return rules.refusal is None and not rules.always_asks

    def response(self, method: str, tool: str) -> Response:
        """What the answer to a message must obey; `tool` is that of a `tools/call`.

        Results of tasks, which do not say which tool they are of, obey everything that the document asks of any answer.
        """
        if method == "tools/call":
            return self._tools.rules(tool).response
        return self.anything if method.startswith("tasks/") else self._methods.rules(method).response

    @property
    def anything(self) -> Response:
        """What a text must obey that nobody can tell the origin of."""
        if self._anything is None:
            self._anything = of_anything(every_entry(self._raw))
        return self._anything

    def settles(self, name: str) -> bool:
        """Whether the result of the tool has to be read to settle a reservation."""
        return self._tools.rules(name).settles

    def _compile_tool(self, name: str, own: Entry | None, shared: list[Entry]) -> Rules:
        entries = [*([own] if own else []), *shared]
        listed = self._is_listed(own, shared)
        denial = _denial(entries)
        refusal, shown = denial, listed
        if not listed:
            refusal = Verdict("deny", "(default deny)", _UNLISTED, visible=self._lists_all)
        elif denial is not None:
            shown = own is not None and own.denial() is not None
        if self._hides_name(name):
            return Rules([], self._ceilings, Tool(name), _HIDDEN, shown=False)
        everywhere = Entry(self._raw.get("all_tools", {}), "/all_tools", "all_tools", "all_tools")
        flows = [flow for flow in self._flows if flow.concerns(name)]
        seen = shown or self._lists_all
        return Rules([*entries, everywhere], self._ceilings, Tool(name), refusal, shown=seen, flows=flows)

    def _compile_method(self, method: str, own: Entry | None, shared: list[Entry]) -> Rules:
        entries = [*([own] if own else []), *shared]
        return Rules(entries, self._ceilings, Tool(method), _denial(entries), listed=self._is_listed(own, shared))

    def _is_listed(self, own: Entry | None, shared: list[Entry]) -> bool:
        """A pattern lists only where it says `allow`; an own entry always does."""
        if own is not None or not self._denies_unlisted:
            return True
        return any(entry.raw.get("action") == "allow" for entry in shared)

    def _hides_name(self, name: str) -> bool:
        return name in self._hidden or any(matches(pattern, name) for pattern in self._hides)

    def _ceilings(self) -> Ceilings:
        if self._tightest is None:
            self._tightest = ceilings(limit for entry in every_entry(self._raw) for limit in entry.limits())
        return self._tightest


def _denial(entries: list[Entry]) -> Verdict | None:
    found = next((denial for entry in entries if (denial := entry.denial())), None)
    return Verdict("deny", *found) if found else None


class _Section:
    """`tools` or `methods`: entries by exact name, patterns in order, and the rules already compiled."""

    __slots__ = ("_compile", "_compiled", "_exact", "_named", "_patterns", "_section")

    def __init__(
        self, section: str, entries: dict[str, Any], compile_rules: Callable[[str, Entry | None, list[Entry]], Rules]
    ) -> None:
        self._section = section
        self._compile = compile_rules
        self._exact = entries
        self._patterns = sorted(key for key in entries if is_pattern(key))
        self._named: dict[str, Rules] = {}
        self._compiled: dict[str, Rules] = {}

    def rules(self, name: str) -> Rules:
        """Names of the document are kept for ever, others as long as there is room."""
        return self._named.get(name) or self._compiled.get(name) or self._build(name)

    @property
    def remembered(self) -> int:
        """Names from callers that are kept."""
        return len(self._compiled)

    def _build(self, name: str) -> Rules:
        own = self._exact.get(name) if not is_pattern(name) else None
        shared = [entry_for(self._section, key, self._exact[key]) for key in matching(self._patterns, name)]
        rules = self._compile(name, None if own is None else entry_for(self._section, name, own), shared)
        if own is not None:
            self._named[name] = rules
        elif len(name) <= _LONGEST_REMEMBERED:
            if len(self._compiled) >= _REMEMBERED:
                self._compiled.clear()
            self._compiled[name] = rules
        return rules
