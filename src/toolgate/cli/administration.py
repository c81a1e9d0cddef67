"""What commands administer: a data directory of this machine, or an installation elsewhere by its REST API.

Both give the JSON objects of `store.described`, so that a command prints the same, whichever it works on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias

from toolgate.errors import ToolgateError
from toolgate.policy.categories import Category
from toolgate.store.servers import Registration

Described: TypeAlias = dict[str, Any]


class Contradicted(ToolgateError):
    """The installation elsewhere says no, because of what it holds: somebody was first, or a name is taken."""


@dataclass(slots=True, frozen=True)
class GrantTerms:
    """What a new grant says; `expires` in epoch seconds."""

    server: str
    label: str
    policy: str | None
    principal: str
    labels: Mapping[str, str]
    expires: float | None
    claims: Mapping[str, object]


class Administration(Protocol):
    """What an administrator can do; references are names, labels or ids. Every method may raise ToolgateError."""

    def confirm(self, wait: float) -> None:
        """Wait until the running gateways act on what was written."""

    def servers(self) -> list[Described]:
        """All servers."""

    def server(self, reference: str) -> Described:
        """One server."""

    def add_server(self, name: str, registration: Registration) -> Described:
        """Register a server and fetch its tools; `reachable` says whether that worked, else a warning is printed."""

    def change_server(self, server_id: str, registration: Registration, dropped: Sequence[str]) -> Described:
        """Change how a server is reached and fetch its tools, as `store.servers.amend` says."""

    def capture_server(self, server_id: str, days: int | None) -> Described:
        """Keep what the calls of a server say for so many days; None for not any more."""

    def remove_server(self, reference: str) -> Described:
        """Remove a server: its `id` and `name`, and the ids of the grants that were `revoked`."""

    def stop_server(self, reference: str, reason: str) -> Described:
        """Deny every call of a server until it is resumed; `reason` may be empty."""

    def resume_server(self, reference: str) -> Described:
        """Let a stopped server go on."""

    def tools(self, reference: str) -> list[Described]:
        """The tools of a server as last seen."""

    def refresh_tools(self, reference: str) -> bool:
        """Ask a server for its tools; False, with a warning printed, where it did not answer."""

    def tool_changes(self, reference: str) -> list[Described]:
        """What waits to be accepted, with how it differs from what is in force."""

    def accept_versions(self, reference: str, fingerprints: Sequence[str]) -> None:
        """Let in exactly these withheld versions; raises a ToolgateError where one of them waits no more."""

    def judgements(self, reference: str) -> list[Described]:
        """How each tool of a server is judged, and what the present lexicon says of it."""

    def judge_tools(self, reference: str, categories: Mapping[str, Category]) -> list[Described]:
        """Judge tools of a server, by name; those whose judgement changed."""

    def reclassify_tools(self, reference: str, names: Sequence[str]) -> list[Described]:
        """Accept what the present lexicon says of these tools, or of all; those whose judgement changed."""

    def policies(self) -> list[Described]:
        """All policies."""

    def policy(self, reference: str, revision: int | None) -> Described:
        """A policy with the text of one revision as `document`, and its `history`."""

    def put_policy(self, name: str, text: str) -> Described:
        """Store a document as the new revision of a policy, which is made when it does not exist."""

    def remove_policy(self, reference: str) -> Described:
        """Remove a policy that no living grant is under."""

    def grants(self, server: str | None) -> list[Described]:
        """All grants, or those of one server."""

    def claim_grant(self, reference: str, claims: Mapping[str, object]) -> Described:
        """Say which access tokens lead to a grant; with no claims, none does."""

    def add_grant(self, terms: GrantTerms) -> Described:
        """Make a grant; with its `token` and `proxy_url`."""

    def rotate_grant(self, reference: str) -> Described:
        """Give a grant a new token; as `add_grant`."""

    def revoke_grant(self, reference: str) -> Described:
        """Refuse a grant for good."""

    def stop_grant(self, reference: str, reason: str) -> Described:
        """Deny every call of a grant until it is resumed; `reason` may be empty."""

    def resume_grant(self, reference: str) -> Described:
        """Let a stopped grant go on."""

    def attach_grant(self, reference: str, policy: str) -> Described:
        """Put a grant under another policy."""

    def approvals(self, state: str) -> list[Described]:
        """Calls that wait for a person, or those in another state; `all` for every one."""

    def approval(self, reference: str) -> str:
        """One approval with the name of its `policy` and its whole `call`, as JSON text.

        Text, because numbers stand in it as the agent wrote them.
        """

    def decide(self, reference: str, state: Literal["approved", "denied"], reason: str) -> Described:
        """Decide on a call; raises NotPending or Contradicted where somebody was first."""
