"""Administering a data directory of this machine: its store is written, its running gateways are woken."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Literal

import msgspec

from toolgate.cli import printing
from toolgate.cli.administration import Described, GrantTerms
from toolgate.cli.installation import Installation
from toolgate.cli.options import actor
from toolgate.errors import ToolgateError
from toolgate.keys import MasterKey
from toolgate.policy.categories import Category
from toolgate.store import definitions, described, grants, headers, judgements, policies, servers, stopping
from toolgate.store.approvals import SEAL, Approval, ApprovalStore
from toolgate.store.database import writing
from toolgate.store.errors import NotStored
from toolgate.store.grants import Minted
from toolgate.store.servers import Registration, Server
from toolgate.store.tool_changes import changes

_PATIENCE = 10.0
"""Seconds to wait for another process that writes the approvals."""


class Local:
    """An `Administration` of one data directory."""

    def __init__(self, place: Installation) -> None:
        self._place = place
        self._engine = place.engine

    def confirm(self, wait: float) -> None:
        """Wait until every gateway of this machine acts on what was written; else warn and leave with 3."""
        self._place.confirm(wait)

    def servers(self) -> list[Described]:
        """All servers."""
        return [self._server(row) for row in servers.every(self._engine)]

    def server(self, reference: str) -> Described:
        """One server."""
        return self._server(servers.get(self._engine, reference))

    def add_server(self, name: str, registration: Registration) -> Described:
        """Register a server and fetch its tools."""
        key = MasterKey.load(self._place.data)
        with writing(self._engine, actor()) as change:
            server_id = servers.insert(change, name, registration, key.sealer(headers.PURPOSE))
        reached = self._fetched(server_id, name, "the server is registered without tools", trusted=True)
        return {**self.server(server_id), "reachable": reached}

    def change_server(self, server_id: str, registration: Registration, dropped: Sequence[str]) -> Described:
        """Change how a server is reached and fetch its tools."""
        key = MasterKey.load(self._place.data)
        with writing(self._engine, actor()) as change:
            servers.amend(change, server_id, registration, key.sealer(headers.PURPOSE), dropped=dropped)
        name = servers.get(self._engine, server_id).name
        reached = self._fetched(server_id, name, f"the tools of {name} are those seen before")
        return {**self.server(server_id), "reachable": reached}

    def capture_server(self, server_id: str, days: int | None) -> Described:
        """Keep what the calls of a server say."""
        return self._server(servers.capture(self._engine, actor(), server_id, days))

    def remove_server(self, reference: str) -> Described:
        """Remove a server and revoke its grants."""
        found = servers.get(self._engine, reference)
        revoked = servers.remove(self._engine, actor(), found.id)
        return {"id": found.id, "name": found.name, "revoked": revoked}

    def stop_server(self, reference: str, reason: str) -> Described:
        """Deny every call of a server until it is resumed."""
        return self._server(stopping.stop_server(self._engine, self._place.data, actor(), reference, reason))

    def resume_server(self, reference: str) -> Described:
        """Let a stopped server go on."""
        return self._server(stopping.resume_server(self._engine, actor(), reference))

    def tools(self, reference: str) -> list[Described]:
        """The tools of a server as last seen."""
        return [described.tool(version) for version in definitions.of_server(self._engine, reference)]

    def refresh_tools(self, reference: str) -> bool:
        """Ask a server for its tools."""
        found = servers.get(self._engine, reference)
        return self._fetched(found.id, found.name, "these are the tools as last seen")

    def tool_changes(self, reference: str) -> list[Described]:
        """What waits to be accepted, with how it differs from what is in force."""
        return changes(definitions.of_server(self._engine, reference), waiting=True)

    def accept_versions(self, reference: str, fingerprints: Sequence[str]) -> None:
        """Let in exactly these withheld versions."""
        definitions.accept_shown(self._engine, actor(), reference, fingerprints)

    def judgements(self, reference: str) -> list[Described]:
        """How each tool of a server is judged, and what the present lexicon says of it."""
        return [described.proposal(row) for row in judgements.proposals(self._engine, reference)]

    def judge_tools(self, reference: str, categories: Mapping[str, Category]) -> list[Described]:
        """Judge tools of a server, by name."""
        chosen = [judgements.Chosen(name, category) for name, category in categories.items()]
        return [described.judged(row) for row in judgements.judge(self._engine, actor(), reference, chosen)]

    def reclassify_tools(self, reference: str, names: Sequence[str]) -> list[Described]:
        """Accept what the present lexicon says."""
        return [described.judged(row) for row in judgements.reclassify(self._engine, actor(), reference, names)]

    def policies(self) -> list[Described]:
        """All policies."""
        return [described.policy(row) for row in policies.every(self._engine)]

    def policy(self, reference: str, revision: int | None) -> Described:
        """A policy with one of its documents and its history."""
        found = policies.get(self._engine, reference, revision)
        history = [described.revision(past) for past in policies.history(self._engine, found.id)]
        return {**described.policy(found), "document": found.document, "history": history}

    def put_policy(self, name: str, text: str) -> Described:
        """Store a document as the new revision."""
        return described.policy(policies.put(self._engine, actor(), name, text))

    def remove_policy(self, reference: str) -> Described:
        """Remove a policy that no living grant is under."""
        return described.policy(policies.remove(self._engine, actor(), reference))

    def grants(self, server: str | None) -> list[Described]:
        """All grants, or those of one server."""
        return [described.grant(row) for row in grants.every(self._engine, time.time(), server)]

    def add_grant(self, terms: GrantTerms) -> Described:
        """Make a grant and its token."""
        return self._minted(grants.add(self._engine, actor(), **asdict(terms)))

    def claim_grant(self, reference: str, claims: Mapping[str, object]) -> Described:
        """Say which access tokens lead to a grant."""
        return described.grant(grants.claim(self._engine, actor(), reference, claims))

    def rotate_grant(self, reference: str) -> Described:
        """Give a grant a new token."""
        return self._minted(grants.rotate(self._engine, actor(), reference))

    def revoke_grant(self, reference: str) -> Described:
        """Refuse a grant for good."""
        return described.grant(grants.revoke(self._engine, actor(), reference))

    def stop_grant(self, reference: str, reason: str) -> Described:
        """Deny every call of a grant until it is resumed."""
        return described.grant(stopping.stop_grant(self._engine, self._place.data, actor(), reference, reason))

    def resume_grant(self, reference: str) -> Described:
        """Let a stopped grant go on."""
        return described.grant(stopping.resume_grant(self._engine, actor(), reference))

    def attach_grant(self, reference: str, policy: str) -> Described:
        """Put a grant under another policy."""
        return described.grant(grants.attach(self._engine, actor(), reference, policy))

    def approvals(self, state: str) -> list[Described]:
        """Those in one state, or all."""
        return [described.approval(row) for row in self._approvals.every(() if state == "all" else (state,))]

    def approval(self, reference: str) -> str:
        """One approval with its call, opened."""
        store = self._approvals
        found = store.get(reference)
        call = MasterKey.load(self._place.data).sealer(SEAL).open(store.sealed(found.id), found.id.encode())
        facts = {**described.approval(found), "policy": self._policy_name(found), "call": msgspec.Raw(call)}
        return msgspec.json.encode(facts).decode()

    def decide(self, reference: str, state: Literal["approved", "denied"], reason: str) -> Described:
        """Decide and write down who did.

        The transaction of the event is open before the decision counts: a database that cannot be written decides
        nothing.
        """
        store = self._approvals
        found, who = store.get(reference), actor()
        with writing(self._engine, who) as transaction:
            decided = store.decide(found.id, state, who, reason)
            before, after = {"state": "pending"}, {"state": state, "reason": reason}
            transaction.event(f"approval.{state}", "approval", found.id, before, after)
        return described.approval(decided)

    @property
    def _approvals(self) -> ApprovalStore:
        """The approvals of the directory; one without any has none."""
        return ApprovalStore(self._place.data, patience=_PATIENCE)

    def _server(self, row: Server) -> Described:
        return described.server(row, self._place.proxy_url(row.id))

    def _minted(self, minted: Minted) -> Described:
        url = self._place.proxy_url(minted.grant.server_id)
        return {**described.grant(minted.grant), "token": minted.token, "proxy_url": url}

    def _fetched(self, server_id: str, name: str, otherwise: str, *, trusted: bool = False) -> bool:
        # Imported here: the network side takes its time to load, and most commands need none of it.
        from toolgate.control.discovering import fetch_tools

        data, key = self._place.data, MasterKey.load(self._place.data)
        try:
            asyncio.run(fetch_tools(data, self._engine, actor(), server_id, key, trusted=trusted))
        except ToolgateError as error:
            mend = f"`toolgate server tools {name} --refresh` tries again"
            printing.warn(error.place, f"{error.cause}; {otherwise}", error.mend or mend)
            return False
        return True

    def _policy_name(self, approval: Approval) -> str:
        """The policy as people call it; `toolgate run` records the file and the start of its digest."""
        try:
            return policies.get(self._engine, approval.policy_id).name
        except NotStored:
            return approval.policy_id
