"""Grants of a configuration beside those of the database, and the files of their tokens."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from toolgate.configuration import tokens
from toolgate.configuration.document import Configuration, GrantTerms
from toolgate.configuration.plan import Plan, Run, Step
from toolgate.configuration.present import Present, PresentGrant
from toolgate.configuration.problems import Problem
from toolgate.configuration.tokens import Deliveries
from toolgate.errors import ToolgateError
from toolgate.keys import mint_token
from toolgate.store import grants, policies, servers
from toolgate.store.database import Writing
from toolgate.store.errors import BadInput
from toolgate.store.grants import Terms
from toolgate.store.names import escaped, shown
from toolgate.store.origins import take_over


@dataclass(slots=True, frozen=True)
class GrantPlanner:
    """Adds grants and changes them; a token that is gone is made anew only where `rotate_missing` says so."""

    plan: Plan
    configuration: Configuration
    present: Present
    deliveries: Deliveries
    rotate_missing: bool

    def all(self) -> Mapping[str, PresentGrant | None]:
        """Plan every grant of the file; returns them by label, with the one of the database that each of them is."""
        matched: dict[str, PresentGrant | None] = {}
        for label, given in self.configuration.grants.items():
            try:
                matched[label] = known = self._known(label)
                self._check_names(given)
                if known is None:
                    self._add(label, given)
                else:
                    self._change(known, given)
            except ToolgateError as error:
                self.plan.refuse(given.place, error)
        return matched

    def _known(self, label: str) -> PresentGrant | None:
        named = [grant for grant in self.present.grants if grant.label == label]
        found = [grant for grant in named if grant.origin == self.configuration.origin] or named
        if len(found) > 1:
            cause = f"{len(found)} living grants are labelled `{shown(label)}`"
            raise BadInput("", cause, "choose another label, or revoke all of them but one")
        return found[0] if found else None

    def _check_names(self, given: GrantTerms) -> None:
        if given.server not in self.configuration.servers and given.server not in self.present.servers:
            raise BadInput("", f"there is no server `{shown(given.server)}`", "describe it under `servers`")
        if given.policy not in self.configuration.policies and given.policy not in self.present.policies:
            raise BadInput("", f"there is no policy `{shown(given.policy)}`", "describe it under `policies`")

    def _add(self, label: str, given: GrantTerms) -> None:
        if given.token_file is None:
            cause = f"the new grant `{shown(label)}` has no `token_file`, so nobody would get its token"
            raise BadInput("", cause, "say where its token is to be written")
        if given.until is not None and given.until <= time.time():
            raise BadInput("", f"the new grant `{shown(label)}` would have expired already", "choose a date to come")
        tokens.check_place(given.token_file)
        details = (f"{given.server} under {given.policy}", f"token in {given.token_file}")
        self.plan.steps.append(Step("+", "grant", label, details, (partial(self._insert, label=label, given=given),)))

    def _insert(self, change: Writing, label: str, given: GrantTerms) -> None:
        assert given.token_file is not None
        token = mint_token()
        self.deliveries.write(given.token_file, token)
        until = given.until if given.span is None else change.now + given.span
        terms = _terms(change, given, until)
        grants.insert(change, str(uuid.uuid4()), label, terms, token, self.configuration.origin)

    def _change(self, known: PresentGrant, given: GrantTerms) -> None:
        until = given.until if given.span is None else known.created + given.span
        details = list(self._differences(known.terms, given, until))
        runs: list[Run] = []
        if details:
            runs.append(partial(_amend, known=known, given=given, until=until))
        origin = self.configuration.origin
        if known.origin not in (None, origin):
            details.append(f"taken over from {escaped(str(known.origin))}")
            runs.append(partial(take_over, kind="grant", row_id=known.id, before=str(known.origin), origin=origin))
        self._token(known, given, details, runs)
        self.plan.step("grant", known.label, details, runs)
        if until is not None and until <= time.time():
            self._warn(given, f"the grant `{shown(known.label)}` is expired", "change `expires`, or take it out")

    def _differences(self, was: Terms, given: GrantTerms, until: float | None) -> Iterator[str]:
        names = {server.id: server.name for server in self.present.servers.values()}
        policy_names = {policy.id: policy.name for policy in self.present.policies.values()}
        pairs = {
            "server": (names.get(was.server_id), given.server),
            "policy": (policy_names.get(was.policy_id or ""), given.policy),
            "principal": (was.principal, given.principal),
        }
        for key, (before, after) in pairs.items():
            if before != after:
                yield f"{key} {shown(before or 'none')} -> {shown(after)}"
        if was.labels != given.labels:
            yield "labels"
        if was.claims != given.claims:
            yield "claims"
        if was.expires != until:
            yield "expires"

    def _token(self, known: PresentGrant, given: GrantTerms, details: list[str], runs: list[Run]) -> None:
        """The file of a grant that exists: there, left behind by an interrupted apply, or gone with its token."""
        file = given.token_file
        if file is None or tokens.holds(file, known.digest):
            return
        if tokens.holds(tokens.pending(file), known.digest):
            tokens.check_place(file)
            details.append(f"token in {file}, completed")
            runs.append(lambda _change: self.deliveries.complete(file))
        elif self.rotate_missing:
            tokens.check_place(file)
            details.append(f"a new token in {file}")
            runs.append(partial(self._renew, known=known, given=given))
        else:
            mend = "it cannot be shown again; --rotate-missing makes a new one, and ends the old"
            self._warn(given, f"`{escaped(str(file))}` does not hold the token of `{shown(known.label)}`", mend)

    def _renew(self, change: Writing, known: PresentGrant, given: GrantTerms) -> None:
        assert given.token_file is not None
        token = mint_token()
        self.deliveries.write(given.token_file, token)
        grants.renew(change, known.id, token)

    def _warn(self, given: GrantTerms, cause: str, mend: str) -> None:
        self.plan.warnings.append(Problem(given.place, cause, mend))


def _amend(change: Writing, known: PresentGrant, given: GrantTerms, until: float | None) -> None:
    grants.amend(change, known.id, _terms(change, given, until))


def _terms(change: Writing, given: GrantTerms, until: float | None) -> Terms:
    """Server and policy by their ids, which may be new in this very transaction."""
    server_id = servers.find(change.connection, given.server, organisation=change.organisation).id
    policy_id = policies.find(change.connection, given.policy, organisation=change.organisation).id
    return Terms(server_id, policy_id, given.principal, dict(given.labels), until, dict(given.claims))
