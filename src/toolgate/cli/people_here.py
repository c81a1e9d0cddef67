"""Who may administer a data directory of this machine."""

from __future__ import annotations

import time
from collections.abc import Sequence

from toolgate.cli.administration import Described
from toolgate.cli.installation import Installation
from toolgate.cli.options import actor
from toolgate.cli.people import NewToken
from toolgate.store import described, members, organisations, roles, tokens
from toolgate.store.database import writing
from toolgate.store.gateway_file import control_url
from toolgate.store.members import Invited, Terms
from toolgate.store.sessions import end_all
from toolgate.store.tables import DEFAULT_ORGANISATION


class PeopleHere:
    """The `People` of one organisation in a data directory."""

    def __init__(self, place: Installation, organisation: str | None) -> None:
        self._data = place.data
        self._engine = place.engine
        self._within = DEFAULT_ORGANISATION
        if organisation is not None:
            self._within = organisations.get(place.engine, organisation).id

    def members(self) -> list[Described]:
        """All members."""
        return [described.member(row) for row in members.every(self._engine, organisation=self._within)]

    def invite(self, email: str, name: str, role: str, approver: Sequence[str]) -> Described:
        """Invite somebody; the name is the e-mail where there is none."""
        terms = Terms(name or email, role, approver)
        return self._linked(members.invite(self._engine, actor(), email, terms, organisation=self._within))

    def invite_again(self, reference: str) -> Described:
        """Make a new link for a member."""
        return self._linked(members.invite_again(self._engine, actor(), reference, organisation=self._within))

    def change_member(
        self, reference: str, name: str | None, role: str | None, approver: Sequence[str] | None
    ) -> Described:
        """Change what is not None."""
        before = members.get(self._engine, reference, organisation=self._within)
        kept = roles.described(before.approves)
        approves = approver if approver is not None else [kept] if isinstance(kept, str) else kept
        terms = Terms(before.name if name is None else name, role or before.role, approves)
        return described.member(members.amend(self._engine, actor(), before.id, terms, organisation=self._within))

    def disable_member(self, reference: str, *, disabled: bool) -> Described:
        """Keep a member out, or let them in again."""
        after = members.disable(self._engine, actor(), reference, disabled=disabled, organisation=self._within)
        return described.member(after)

    def sign_out(self, reference: str) -> tuple[Described, int]:
        """End the sessions of a member."""
        found = members.get(self._engine, reference, organisation=self._within)
        with writing(self._engine, actor(), self._within) as transaction:
            ended = end_all(transaction, found.id)
            transaction.event("sessions.end", "member", found.id)
        return described.member(found), ended

    def remove_member(self, reference: str) -> Described:
        """Forget a member."""
        return described.member(members.remove(self._engine, actor(), reference, organisation=self._within))

    def tokens(self) -> list[Described]:
        """All API tokens, the newest first."""
        return [described.api_token(row) for row in tokens.every(self._engine, time.time(), organisation=self._within)]

    def add_token(self, wanted: NewToken) -> Described:
        """Make an API token."""
        minted = tokens.add(
            self._engine,
            actor(),
            wanted.name,
            wanted.role,
            approver=wanted.approver,
            expires=wanted.expires,
            organisation=self._within,
        )
        return {**described.api_token(minted.token), "token": minted.secret}

    def revoke_token(self, reference: str) -> Described:
        """Refuse an API token for good."""
        return described.api_token(tokens.revoke(self._engine, actor(), reference, organisation=self._within))

    def organisations(self) -> list[Described]:
        """All of them; the first is the operator's own."""
        return [described.organisation(row) for row in organisations.every(self._engine)]

    def add_organisation(self, name: str) -> Described:
        """Make an organisation without members."""
        return described.organisation(organisations.add(self._engine, actor(), name))

    def _linked(self, invited: Invited) -> Described:
        return {**described.member(invited.member), "link": f"{control_url(self._data)}/welcome/{invited.secret}"}
