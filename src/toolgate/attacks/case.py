"""What a case says: one documented attack, how it is played, which policy stops it and what remains.

A case is a TOML file of `cases/`, named by its slug. It is data for the runner, for the pages and for the tables of
frameworks alike; docs/attacks.md describes every key.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from toolgate.policy.categories import Category
from toolgate.policy.document import Document, parse

Verdict = Literal["STOP", "BOUND", "PART", "NO"]
"""STOP: refused deterministically. BOUND: the damage is limited to a stated number. PART: the action is stopped, the
influence on the model is not, or something beside the policy is needed. NO: a gateway cannot stop it."""
Grade = Literal["V", "S"]
"""V: the source itself was read. S: only another page's account of it. What nobody read is not published."""
Part = Literal[
    "policy", "identity", "session", "hygiene", "protocol", "pinning", "inspection", "approval", "control", "journal"
]
"""A part of the gateway. identity: whose token it is; hygiene: the head of a request; control: the control plane."""


class Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One published account. `date` is as exact as the source is: `2025-07`, `2025-07-09`, or "" where it has none.

    `says`: in one sentence of ours, what of the case it is evidence for.
    """

    title: str
    url: str
    grade: Grade
    says: str
    date: str = ""


class StubServer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A harmless MCP server of the case: which stub plays it, and how it is registered at the gateway.

    `companion`: options beside the usual ones, with which it runs under the companion control.
    """

    stub: str
    options: dict[str, Any] = {}
    companion: dict[str, Any] = {}
    pin: bool = False


class GrantTerms(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One agent beside the usual one: a grant on every server of the case, with these labels."""

    labels: dict[str, str] = {}


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"sender": "from", "receiver": "to"}):
    """One arrow of the sequence: `from`, `to` and what passes between them, in words.

    With `list` (a server) the agent asks for the tools there; with `call` it calls that tool of `server`, `times` over.
    A gullible agent (`obey`) then follows every directive that it reads. A step with neither is only told.
    """

    sender: str
    receiver: str
    text: str
    list: str = ""
    call: str = ""
    server: str = ""
    arguments: dict[str, Any] = {}
    times: int = 1
    grant: str = "agent"
    obey: bool = True


class Sending(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One HTTP request, byte for byte. `note` says what is odd about it.

    `body` is written in `encoding`, `fill` in it replaced by `times` copies of `filling`, and `hex` put before it.
    `headers` are whole lines, which take the place of the usual ones; `tail` follows the endpoint's path. `status` is
    the gateway's answer. Not `lenient`: a careful server refuses it by itself, so it need not arrive without a gateway.
    """

    note: str
    body: str = ""
    encoding: str = "utf-8"
    hex: str = ""
    filling: str = ""
    times: int = 0
    headers: list[str] = []
    verb: str = "POST"
    tail: str = ""
    status: int = 400
    lenient: bool = True

    @property
    def wire(self) -> bytes:
        """The body as it goes over the wire."""
        text = self.body.replace("<fill>", self.filling * self.times)
        return bytes.fromhex(self.hex) + text.encode(self.encoding, "surrogatepass")


class Effect(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Something that can be seen at a stub after a run: entries that it noted under the name `effect`.

    Exactly one of the four says what is wanted of them: some entry contains a text, at least or exactly so many, or
    none at all.
    """

    server: str
    effect: str
    contains: str | None = None
    at_least: int | None = None
    exactly: int | None = None
    absent: bool | None = None

    def holds(self, noted: dict[str, list[str]]) -> bool:
        """Whether it is so, of what a stub noted."""
        entries = noted.get(self.effect, [])
        if self.contains is not None:
            return any(self.contains in entry for entry in entries)
        if self.at_least is not None:
            return len(entries) >= self.at_least
        return len(entries) == (self.exactly or 0)


class Stopped(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the attack ends under the recommended policy.

    `rule` is the pointer or word that the one record of the refusal names, `server` and `tool` whose calls never arrive
    ("" where the refusal is not of a tool). `bound` is what remains possible, for BOUND; `records` how many refusals
    are recorded (where inspection stops it: how many answers that were cleaned), where it is not one, `hits` how many
    calls of the tool arrive because they are no part of the attack.
    """

    rule: str
    server: str = ""
    tool: str = ""
    bound: Effect | None = None
    records: int = 1
    hits: int = 0

    @property
    def ordinary(self) -> bool:
        """Whether the call itself goes on, without what made it an attack: then nothing is refused."""
        return self.records == 0 and self.hits > 0


class Policies(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Documents as JSON text, by server."""

    reason: str
    policies: dict[str, str] = {}
    setting: str = ""
    """Where no policy is the tempting mistake: the setting that is. Then a play shows it fail."""


class Twin(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Honest work with the same tools, which must go on working under the recommended policy."""

    text: str
    success: Effect
    steps: list[Step] = []


class Companion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What does stop that which a policy cannot. `shown`: whether the case runs it (pinning, inspection, egress)."""

    text: str
    shown: bool = False
    rule: str = ""


class Case(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One attack. `slug` and `text` come from the file itself."""

    number: int
    title: str
    kind: str
    verdict: Verdict
    summary: str
    how: str
    residual: str
    servers: dict[str, StubServer]
    steps: list[Step]
    success: Effect
    wrong: Policies
    benign: Twin
    command: str = ""
    """What people run beside a policy, where the mend is no policy: a command of toolgate, in words of a shell."""
    slug: str = ""
    stopped: Stopped | None = None
    remains: Effect | None = None
    """For PART and NO: what still happens behind the gateway, shown by the same run."""
    remains_text: str = ""
    policies: dict[str, str] = {}
    categories: list[Category] = []
    signals: list[str] = []
    sources: list[Source] = []
    owasp: list[str] = []
    safe_mcp: list[str] = []
    practices: list[str] = []
    companion: Companion | None = None
    grants: dict[str, GrantTerms] = {}
    sends: list[Sending] = []
    twin: Sending | None = None
    """Cases about the protocol: what is sent, byte for byte, and a harmless message of the same kind."""
    play: str = ""
    """A module of `plays/` that carries out the steps; without it they are carried out as they stand."""
    checked_by: Part = "policy"
    """Which part of the gateway stops it: what the test of the tests switches off."""

    @property
    def tools(self) -> set[str]:
        """The tools that the attack needs, as far as steps and outcome name them."""
        return ({step.call for step in self.steps} | ({self.stopped.tool} if self.stopped else set())) - {""}

    def document(self, server: str) -> Document:
        """The recommended policy of a server, parsed."""
        return parse(self.policies[server])
