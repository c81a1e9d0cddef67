"""Attacks of the attack database, and what came of playing them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from toolgate.control.api.shapes.words import Shown


class AttackCheck(Shown):
    """One assertion about an attack."""

    name: str
    """What was to be shown: `bare`, `stopped`, `wrong`, `recorded`, `benign`, `passes`, `companion`."""
    held: bool
    """Whether it was so."""
    told: str
    """What was seen."""


class AttackRun(Shown):
    """What came of an attack when it was run in this installation last."""

    held: bool
    """Whether everything was as the attack database says."""
    checks: list[AttackCheck]
    """Each assertion."""
    at: str
    """When it was run."""
    took: int
    """For how many milliseconds."""
    version: str
    """With which version of Toolgate."""


class ListedAttack(Shown):
    """An attack in a list."""

    attack: str
    """Its title."""
    slug: str
    """Its part of an address, and what `toolgate attack run` takes."""
    number: int
    """Its number."""
    kind: str
    """What kind of attack it is."""
    verdict: Literal["STOP", "BOUND", "PART", "NO"]
    """What a gateway does about it: stops it, limits it, stops a part of it, or cannot stop it."""
    summary: str
    """What happens."""
    categories: list[str]
    """Categories of the tools that it abuses; empty where it abuses none by itself."""
    signals: list[str]
    """Ids of the reasons to look closer that such tools have."""
    last: AttackRun | None
    """What came of it here; null where it was not run."""


class AttackList(Shown):
    """Attacks of the attack database."""

    items: list[ListedAttack]
    """By number."""


class AttackSource(Shown):
    """A published account."""

    title: str
    """What it is called."""
    url: str
    """Where it is."""
    grade: Literal["V", "S"]
    """`V`: the source itself was read; `S`: only another page's account of it."""
    read: str
    """The same in words."""
    says: str
    """What of the attack it is evidence for."""
    date: str
    """As exact as the source is: `2025-07`, `2025-07-09`; may be empty."""


class AttackStep(Shown):
    """A step of the sequence."""

    from_: str = Field(alias="from")
    """Who."""
    to: str
    """To whom."""
    text: str
    """What passes between them."""
    list: str | None = None
    """The server whose tools the agent lists here."""
    call: str | None = None
    """The tool that the agent calls here."""
    server: str | None = None
    """Of which server."""
    arguments: dict[str, Any] | None = None
    """With which arguments."""
    times: int | None = None
    """How often, where it is more than once."""


class WrongPolicy(Shown):
    """What looks as if it stopped the attack, and does not."""

    reason: list[str]
    """Why, in paragraphs."""
    setting: str
    """The setting, where it is no policy; may be empty."""
    policies: dict[str, Any]
    """Policies by server."""


class HonestWork(Shown):
    """What goes on working under the recommended policy."""

    text: str
    """What it is."""
    proof: str
    """How the case shows it."""


class CompanionControl(Shown):
    """What stops that which a policy cannot."""

    text: str
    """What it is."""
    shown: bool
    """Whether the case shows that it does."""
    rule: str
    """What the record then names; may be empty."""


class AttackFrameworks(Shown):
    """Entries of published frameworks that the attack is an instance of."""

    owasp: list[str]
    """Of OWASP MCP Top 10."""
    safe_mcp: list[str]
    """Of SAFE-MCP."""
    practices: list[str]
    """Headings of the specification's security best practices."""


class Attack(Shown):
    """An attack of the attack database."""

    attack: str
    """Its title."""
    slug: str
    """Its part of an address, and what `toolgate attack run` takes."""
    number: int
    """Its number."""
    kind: str
    """What kind of attack it is."""
    verdict: Literal["STOP", "BOUND", "PART", "NO"]
    """What a gateway does about it."""
    means: str
    """The same in words."""
    summary: list[str]
    """What happens, in paragraphs."""
    how: list[str]
    """How it works, in paragraphs."""
    steps: list[AttackStep]
    """Step by step."""
    sends: list[dict[str, Any]]
    """Messages that are sent byte for byte, where the attack is on the protocol."""
    proof: str
    """What is to be seen when it succeeds."""
    sources: list[AttackSource]
    """Where it is documented."""
    categories: list[str]
    """Categories of the tools that it abuses."""
    signals: list[str]
    """Ids of the reasons to look closer that such tools have."""
    frameworks: AttackFrameworks
    """What it is called elsewhere."""
    stopped_by: str
    """Which part of the gateway stops it; empty where none does."""
    always: bool
    """Whether that part is at work under every policy."""
    rule: str
    """What the record of the refusal names; may be empty."""
    bound: str
    """What stays possible, where the damage is limited; may be empty."""
    policies: dict[str, Any]
    """The recommended policies by server."""
    command: str
    """What to run where no policy mends it; may be empty."""
    wrong: WrongPolicy
    """What looks right and is not."""
    benign: HonestWork
    """What goes on working."""
    remains: list[str]
    """What still happens behind the gateway."""
    companion: CompanionControl | None
    """What helps beside a policy."""
    residual: list[str]
    """What is not solved, in paragraphs."""
    run: str
    """The command that runs it."""
    last: AttackRun | None
    """What came of it here; null where it was not run."""
