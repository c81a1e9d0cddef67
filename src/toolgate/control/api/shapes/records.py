"""Records of decisions."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from toolgate.control.api.shapes.words import Shown

_RECORD: dict[str, Any] = {
    "time": "2026-11-22T19:30:00.123456Z",
    "kind": "decision",
    "chain": "a1b2c3d4",
    "seq": 812,
    "decision_id": "0b1d7f2e-2c3b-4d5e-8f60-718293a4b5c6",
    "outcome": "deny",
    "grant_label": "ci",
    "method": "tools/call",
    "tool": "delete_contact",
    "rule": "/tools/delete_contact/action",
    "message": "the policy denies this tool",
    "result": None,
}


class Record(BaseModel):
    """What the journal says of a decision, of requests without a grant, or of a gap.

    Beside these fields stands whatever else the entry says (docs/journal.md); of arguments never a value.
    """

    model_config = ConfigDict(extra="allow", use_attribute_docstrings=True, json_schema_extra={"examples": [_RECORD]})

    time: str
    """When, to the microsecond."""
    kind: Literal["decision", "sum", "refused", "gap"]
    """A decision, a sum of equal ones, requests without a grant counted together, or a gap in the journal."""
    chain: str
    """The chain of the journal that it stands in."""
    seq: int
    """Its number there."""
    decision_id: str | None = None
    """What the agent was told to name when it asks why."""
    outcome: str | None = None
    """How it was decided: `allow`, `deny` or `wait`."""
    grant_id: str | None = None
    """Whose call it was."""
    grant_label: str | None = None
    """How that grant was called."""
    server_id: str | None = None
    """To which server."""
    method: str | None = None
    """The method of the message."""
    tool: str | None = None
    """The tool that was called."""
    category: str | None = None
    """What the tool was taken for; empty where nobody had judged it."""
    risk: str | None = None
    """What followed from that."""
    policy_id: str | None = None
    """The policy by which it was judged."""
    revision: int | None = None
    """The revision of that."""
    rule: str | None = None
    """What decided: a JSON pointer into the policy, or a word in parentheses."""
    message: str | None = None
    """What the agent was told."""
    result: dict[str, Any] | None = None
    """How a forwarded call ended; null where that is not known, or nothing was sent."""


class RecordPage(Shown):
    """A part of the log. It may hold fewer records than asked for where the search had to look far."""

    items: list[Record]
    """The newest first."""
    next: str | None
    """The `cursor` of the next, older page; null on the last one."""
