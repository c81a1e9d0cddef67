"""A stored row as the JSON object that the command line's `--json`, the REST API and the pages all show.

Plain dictionaries with times in RFC 3339; never a secret: of a credential its name, of a token nothing.
"""

from __future__ import annotations

import json
from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeAlias

from toolgate.policy.categories import risk_of
from toolgate.store.moments import when

if TYPE_CHECKING:  # the rows are only looked at: commands that show none of them load nothing for it
    from _typeshed import DataclassInstance

    from toolgate.store.approvals import Approval
    from toolgate.store.definitions import Version
    from toolgate.store.deliveries import Delivery
    from toolgate.store.events import AdminEvent
    from toolgate.store.grants import Grant
    from toolgate.store.judgements import Judged, Proposal
    from toolgate.store.members import Member
    from toolgate.store.organisations import Organisation
    from toolgate.store.policies import Listed, Revision
    from toolgate.store.roles import Approves
    from toolgate.store.servers import Server
    from toolgate.store.sessions import Session
    from toolgate.store.stops import Stop
    from toolgate.store.tokens import ApiToken
    from toolgate.store.webhooks import Webhook

__all__ = [
    "admin_event",
    "api_token",
    "approval",
    "delivery",
    "grant",
    "judged",
    "member",
    "organisation",
    "policy",
    "proposal",
    "revision",
    "server",
    "session",
    "tool",
    "webhook",
    "when",
]

Described: TypeAlias = dict[str, Any]

_GRANT_TIMES = ("created", "expires", "revoked", "rotated")
_APPROVAL_TIMES = ("created", "expires", "decided_at")
_DIGESTS = ("arguments", "rest")
"""Of an approval: they say nothing to a person."""


def server(row: Server, proxy_url: str) -> Described:
    """A server; `proxy_url` is where agents connect to it. Of its headers the names and where the values come from."""
    return {
        "id": row.id,
        "name": row.name,
        "proxy_url": proxy_url,
        "url": row.url or None,
        "command": list(row.command) or None,
        **_told(row.reach),
        "pin": row.pin,
        "capture": row.capture,
        "headers": row.headers,
        "protocol_revision": row.protocol_revision,
        "tools": row.tools,
        "grants": row.grants,
        "created": when(row.created),
        "stopped": _stopped(row.stopped),
    }


def tool(row: Version) -> Described:
    """One version of a tool, with its definition as the server gave it."""
    return {
        "name": row.name,
        "status": row.status,
        "category": row.category,
        "risk": risk_of(row.category),
        "judged_by": row.judged_by or None,
        "fingerprint": row.fingerprint,
        "first_seen": when(row.first_seen),
        "last_seen": when(row.last_seen),
        "definition": json.loads(row.definition),
    }


def proposal(row: Proposal) -> Described:
    """A tool as it is judged, with what the present lexicon says of it and why."""
    said = row.classification
    return {
        "name": row.name,
        "fingerprint": row.fingerprint,
        "status": row.status,
        "category": row.judgement.category,
        "judged_by": row.judgement.by or None,
        "lexicon": {"category": said.category, "confidence": said.confidence, "evidence": list(said.evidence)},
        "differs": row.differs,
    }


def judged(row: Judged) -> Described:
    """What a tool is taken for now, and was before."""
    before, after = row.before, row.after
    return {"name": row.name, "before": before.category, "category": after.category, "judged_by": after.by}


def policy(row: Listed) -> Described:
    """A policy at one of its revisions, without the document."""
    return {
        "id": row.id,
        "name": row.name,
        "revision": row.revision,
        "digest": row.digest,
        "author": row.author,
        "created": when(row.created),
        "grants": row.grants,
    }


def revision(row: Revision) -> Described:
    """One line of a policy's history."""
    return {**_told(row), "created": when(row.created)}


def grant(row: Grant) -> Described:
    """A grant, without its token, which is stored nowhere."""
    times = {name: when(getattr(row, name)) for name in _GRANT_TIMES}
    return {**_told(row), **times, "stopped": _stopped(row.stopped)}


def approval(row: Approval) -> Described:
    """A call that waits for a person, or what was decided of it; without what the call says."""
    told = {name: value for name, value in _told(row).items() if name not in _DIGESTS}
    return {**told, **{name: when(told[name]) for name in _APPROVAL_TIMES}}


def admin_event(row: AdminEvent) -> Described:
    """A change that somebody made: who, what, and how it was before and after."""
    return {**_told(row), "time": when(row.time)}


def member(row: Member) -> Described:
    """A person. `state` is `active`, `invited` (has not come in yet) or `disabled`."""
    entered = "invited" if row.enters == "invited" else "active"
    return {
        "id": row.id,
        "email": row.email,
        "name": row.name,
        "role": row.role,
        "approver": _approver(row.approves),
        "enters": None if row.enters == "invited" else row.enters,
        "state": entered if row.disabled is None else "disabled",
        "created": when(row.created),
        "last_seen": when(row.last_seen),
    }


def session(row: Session) -> Described:
    """A browser that somebody is signed in with; its id opens nothing."""
    return {
        "id": row.id,
        "address": row.address,
        "agent": row.agent,
        "created": when(row.created),
        "last_used": when(row.last_used),
        "expires": when(row.expires),
    }


def api_token(row: ApiToken) -> Described:
    """A token of the REST API, without its secret, which is stored nowhere."""
    return {
        "id": row.id,
        "name": row.name,
        "role": row.role,
        "approver": _approver(row.approves),
        "state": row.state,
        "created_by": row.created_by,
        "created": when(row.created),
        "expires": when(row.expires),
        "revoked": when(row.revoked),
        "last_used": when(row.last_used),
    }


def organisation(row: Organisation) -> Described:
    """An organisation, for the operator's admins."""
    return {**_told(row), "created": when(row.created)}


def webhook(row: Webhook) -> Described:
    """A webhook; of its URL scheme and host alone, because the rest may be a secret."""
    options = row.options
    return {
        "id": row.id,
        "name": row.name,
        "url": row.origin,
        "format": row.format,
        "servers": "*" if options.servers is None else list(options.servers),
        "values": options.values,
        "links": options.links,
        "allow_private": options.allow_private,
        "created": when(row.created),
        "disabled": when(row.disabled),
    }


def delivery(row: Delivery) -> Described:
    """A message of a webhook, and how it went; `state` is `delivered`, `waiting` or `failed`."""
    state = "delivered" if row.delivered is not None else "failed" if row.next_try is None else "waiting"
    return {
        "id": row.id,
        "approval": row.approval_id,
        "event": row.event,
        "state": state,
        "created": when(row.created),
        "attempts": row.attempts,
        "next_try": when(row.next_try),
        "delivered": when(row.delivered),
        "error": row.error,
    }


def _stopped(stop: Stop | None) -> Described | None:
    """Since when, by whom and why; None while it runs."""
    return None if stop is None else {"at": when(stop.at), "by": stop.by, "reason": stop.reason}


def _approver(approves: Approves) -> str | list[str]:
    """`*` for the calls of every server, else the ids of the servers whose calls may be decided on."""
    return "*" if approves is None else sorted(approves)


def _told(row: DataclassInstance) -> Described:
    """The fields of a row as they are: `asdict` would copy all they hold, and that is most of the cost of a list."""
    return {field.name: getattr(row, field.name) for field in fields(row)}
