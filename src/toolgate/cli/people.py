"""Who may administer an installation: members, API tokens, organisations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from toolgate.cli.administration import Described


@dataclass(slots=True, frozen=True)
class NewToken:
    """What a new API token says; `expires` in epoch seconds."""

    name: str
    role: str
    approver: Sequence[str]
    expires: float | None


class People(Protocol):
    """Those of one organisation; references are e-mails, names or ids. Every method may raise ToolgateError."""

    def members(self) -> list[Described]:
        """All members."""

    def invite(self, email: str, name: str, role: str, approver: Sequence[str]) -> Described:
        """Invite somebody: the member with a `link`, this once."""

    def invite_again(self, reference: str) -> Described:
        """Make a new link for a member; as `invite`."""

    def change_member(
        self, reference: str, name: str | None, role: str | None, approver: Sequence[str] | None
    ) -> Described:
        """Change what is not None."""

    def disable_member(self, reference: str, *, disabled: bool) -> Described:
        """Keep a member out, or let them in again."""

    def sign_out(self, reference: str) -> tuple[Described, int]:
        """End the sessions of a member: who, and how many."""

    def remove_member(self, reference: str) -> Described:
        """Forget a member."""

    def tokens(self) -> list[Described]:
        """All API tokens, the newest first."""

    def add_token(self, wanted: NewToken) -> Described:
        """Make an API token; with its `token`, this once."""

    def revoke_token(self, reference: str) -> Described:
        """Refuse an API token for good."""

    def organisations(self) -> list[Described]:
        """The organisations that may be seen from here."""

    def add_organisation(self, name: str) -> Described:
        """Make an organisation without members."""
