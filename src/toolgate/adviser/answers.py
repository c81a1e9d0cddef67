"""What the adviser answers: the output schemas of its tools, and the structured content that fits them."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from toolgate.adviser.quoting import NOTICE
from toolgate.attacks.case import Verdict
from toolgate.classifier.classify import Category, Confidence, Risk


class Answer(BaseModel):
    """What all answers begin with."""

    model_config = ConfigDict(frozen=True)

    notice: str = NOTICE


class Tool(BaseModel):
    """One tool in a list."""

    server: str
    tool: str
    category: Category
    risk: Risk
    signals: list[str] = Field(description="Why to look closer, each with the parameter that gives the reason.")


class Hazard(BaseModel):
    """One thing in a definition that a person should look at."""

    tool: str
    rule: str
    place: str = Field(description="Where in the definition.")
    detail: str


class Change(BaseModel):
    """A definition that replaced another."""

    tool: str
    changed: list[str] = Field(description="What differs from the definition before it.")
    seen: str = Field(description="When it was first seen, ISO 8601 in UTC.")


class Attack(BaseModel):
    """A documented attack on MCP that abuses this kind of access."""

    slug: str = Field(description="`toolgate attack show SLUG` says how it works and what stops it.")
    title: str
    verdict: Verdict = Field(description="Behind a gateway. STOP: refused; BOUND: limited; PART: in part; NO: not.")


class CheckedServer(Answer):
    """What is known of a server."""

    known: bool
    advice: list[str] = Field(description="What to do with it, in words of this adviser.")
    server: str = ""
    fitting: list[str] = Field(
        default=[], description="Other servers that fit what was asked, or are called alike where none does."
    )
    source: Literal["", "box", "import", "registry", "scan"] = Field(
        default="", description="`box`: facts shipped with the product; `scan`: it was asked by this installation."
    )
    version: str = ""
    repository: str = ""
    package: str = ""
    url: str = ""
    risk: Risk | None = Field(default=None, description="That of its riskiest tool.")
    tools: int = 0
    counts: dict[str, int] = Field(default={}, description="Tools of each category.")
    context_tokens: int | None = Field(default=None, description="About how much its definitions take of a context.")
    riskiest: list[Tool] = []
    scanned: bool = Field(default=False, description="Whether its definitions are known; else only facts of them are.")
    hazards: list[Hazard] = []
    hazards_in_all: int = 0
    changes: list[Change] = Field(default=[], description="What changed since it was first scanned, the latest first.")


class CheckedTool(Answer):
    """What is known of a tool."""

    known: bool
    server: str = ""
    tool: str = ""
    alike: list[str] = Field(default=[], description="Tools of the server that are called alike, where none fits.")
    category: Category | None = None
    risk: Risk | None = None
    confidence: Confidence | None = None
    means: str = Field(default="", description="What the category says of it.")
    evidence: list[str] = []
    signals: list[str] = []
    parameters: list[str] = []
    hazards: list[Hazard] = []
    changes: list[Change] = []
    attacks: list[Attack] = Field(default=[], description="Documented attacks on such access, the closest first.")
    policy: str = Field(default="", description="The recommended policy of this tool alone: JSON text.")


class FoundTools(Answer):
    """Tools that fit a search."""

    total: int
    start: int
    tools: list[Tool]


class FillIn(BaseModel):
    """A place of the policy that denies every call until somebody writes there what is meant."""

    pointer: str = Field(description="RFC 6901, into the policy.")
    what: str
    example: str = Field(description="JSON text of a value that could stand there.")


class RecommendedPolicy(Answer):
    """A policy for a server."""

    server: str
    policy: str = Field(description="The document: JSON text. What it does not name is denied.")
    safeguards: bool
    fill_ins: list[FillIn]
    explanation: list[str]
