"""Policies, their revisions, and what is said of a document."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ConfigDict, Field

from toolgate.control.api.shapes.problem import Fault
from toolgate.control.api.shapes.servers import Difference
from toolgate.control.api.shapes.words import Asked, Shown

_DOCUMENT = '{"version": "1", "default": "deny", "tools": {"search": {"allow": true}}}'
_POLICY: dict[str, Any] = {
    "id": "0b0a4f5e-8a6e-4c1b-9a41-1c2d3e4f5a6b",
    "name": "careful",
    "revision": 3,
    "digest": "9f2c0f3d5f0b3c2f0a4e6d1b7c8a9e0f9f2c0f3d5f0b3c2f0a4e6d1b7c8a9e0f",
    "author": "ada@example.com",
    "created": "2026-11-22T19:30:00Z",
    "grants": 2,
}


class Finding(Shown):
    """What is valid and probably not meant."""

    severity: Literal["warning", "note"]
    """How much it matters."""
    pointer: str
    """Where in the document (RFC 6901)."""
    code: str
    """The kind of finding: a word that stays the same."""
    cause: str
    """Why, in one sentence."""
    mend: str
    """What to do about it; may be empty."""


class Policy(Shown):
    """A policy at one of its revisions, without its document."""

    model_config = ConfigDict(json_schema_extra={"examples": [_POLICY]})

    id: str
    """Stays the same for good."""
    name: str
    """How it is called."""
    revision: int
    """Which revision this is, from 1."""
    digest: str
    """The SHA-256 of the document's text."""
    author: str
    """Who stored this revision."""
    created: str
    """When this revision was stored."""
    grants: int
    """How many living grants are under the policy."""


class CheckedPolicy(Policy):
    """A policy as it was stored, with what is probably not meant."""

    findings: list[Finding]
    """May be empty."""


class Revision(Shown):
    """One line of a policy's history."""

    revision: int
    """Its number, from 1."""
    digest: str
    """The SHA-256 of its text."""
    author: str
    """Who stored it."""
    created: str
    """When it was stored."""


class WrittenPolicy(Policy):
    """A policy at one of its revisions, with its document."""

    document: str
    """The text, as it was given."""


class WholePolicy(WrittenPolicy):
    """A policy with its document and its history."""

    history: list[Revision]
    """All revisions, the newest first."""


class NewPolicy(Asked):
    """A policy to make."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "careful", "document": _DOCUMENT}]})

    name: str
    """How you will call it: letters, digits, `.`, `_`, `-`; unique among your policies."""
    document: str
    """The text of the document (docs/policy.md); it is kept as it is."""


class Rollback(Asked):
    """Where to go back to."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"revision": 2}]})

    revision: int = Field(ge=1, le=2**31 - 1)
    """The revision whose text becomes the newest revision."""


class Draft(Asked):
    """A document that is not stored."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"document": _DOCUMENT, "server": "crm"}]})

    document: str
    """Its text."""
    server: str | None = None
    """Name or id of a server: the document is also compared with its tools."""


class Check(Shown):
    """What is said of a document."""

    valid: bool
    """Whether it could be stored."""
    problems: list[Fault]
    """Why it could not."""
    findings: list[Finding]
    """What is probably not meant, in a valid one."""


class PolicyDifference(Shown):
    """How two revisions of a policy differ."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "before": 2,
                    "after": 3,
                    "differences": [{"pointer": "/default", "kind": "changed", "before": "allow", "after": "deny"}],
                    "text": '--- revision 2\n+++ revision 3\n@@ -1 +1 @@\n-{"default": "allow"}\n+{"default": "deny"}',
                }
            ]
        }
    )

    before: int
    """The one revision."""
    after: int
    """The other one."""
    differences: list[Difference]
    """Each place at which they differ."""
    text: str | None
    """The same as lines, as `diff -u` writes them; null where there are too many to compare."""
