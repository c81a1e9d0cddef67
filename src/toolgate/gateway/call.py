"""One message of a client on its way, why it may go no further, and how it ended."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from toolgate.audit.records import Result
from toolgate.gateway.access import Access
from toolgate.limits.counters import Exhausted
from toolgate.policy.decision import Charge, Subject, Verdict
from toolgate.protocol.messages import Message
from toolgate.store.approvals import Approval

Tell = Callable[[bytes], Awaitable[None]]
"""Sends the client one whole JSON-RPC notification while its call is held for a person."""


@dataclass(slots=True)
class Call:
    """One message of a client on its way to the upstream."""

    id: str
    access: Access
    subject: Subject
    message: Message
    tool: str
    """The tool of a `tools/call`, "" for every other message."""
    arguments: dict[str, object]
    revision: str
    modern: bool
    round: int = 0
    """How many tries of an unfinished request went before; from the first on everything is paid for."""
    fingerprint: str = ""
    category: str = ""
    risk: str = ""
    """What the tool was taken for when the call was judged."""
    charges: tuple[Charge, ...] = ()
    arguments_digest: str = ""
    by_server: bool = False
    """Whether the server asks it of the client: nobody can be asked first, so it never waits for a person."""
    approval_id: str = ""
    """The approval that this call waits for, or that released it (also in an earlier round)."""
    decided_by: str = ""
    """Who approved or refused, for the record alone."""


@dataclass(slots=True, frozen=True)
class Denial:
    """Why a message goes no further; `limit` is set when a quota refused it.

    `approval`: the one that the call still waits for, and an identical call may go on waiting; None in a refusal.
    `hint` says what a repeat can do, where that is not the usual nothing.
    """

    verdict: Verdict
    limit: Exhausted | None = None
    approval: Approval | None = None
    hint: str = ""


@dataclass(slots=True)
class Ending:
    """How a forwarded message ended. `not_run` only where the upstream certainly did not run the tool."""

    result: Result = "lost"
    status: int | None = None
    code: int | None = None
    not_run: bool = False
    actual: Mapping[str, int] | None = None
    """The settled amount of each counter key, in nano units."""
    removed: int = 0
    """How many hidden characters were found in what came back."""
    redacted: dict[str, int] | None = None
    """How many secrets were taken out of it, by the name of their detector."""
    withheld: str = ""
    """The rule that kept the answer, or a part of what came with it, from the client."""
    answered: bool = False
    agreed_revision: str = ""
    list_changed: bool = False
    """What the answer to `initialize` agreed: the revision, and that the server tells when its tools change."""
