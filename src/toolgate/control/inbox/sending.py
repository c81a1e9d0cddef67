"""One message to one webhook: rendered anew in each try, signed, sent, and judged by the answer."""

from __future__ import annotations

import asyncio
import time
import uuid
from dataclasses import dataclass
from typing import Final

from toolgate.control.inbox import call as held
from toolgate.control.inbox import links, messages
from toolgate.control.inbox.messages import Notice
from toolgate.control.inbox.showing import call_of
from toolgate.control.state import State
from toolgate.store import webhooks
from toolgate.store.approvals import Approval, ApprovalStore
from toolgate.store.deliveries import Event
from toolgate.store.webhooks import PURPOSE, Target, Webhook
from toolgate.upstream.outbound import OutboundError, fetch

TIMEOUT: Final = 10.0
_ANSWER: Final = 64 * 1024
_REST_AT_MOST: Final = 3600.0


@dataclass(slots=True, frozen=True)
class Sent:
    """How it went: `error` is "" where the receiver has it; `rest` the seconds that it asked to be left alone."""

    error: str
    rest: float = 0.0


def notice(state: State, store: ApprovalStore, webhook: Webhook, event: Event, moment: float, id_: str) -> Notice:
    """What a webhook is told of an approval. Raises NotStored."""
    approval = store.get(id_)
    link = ""
    if event == "pending" and webhook.options.links != "none":
        link = f"{state.url}{links.PATH}{links.sign(state.master, approval, webhook)}"
    return Notice(event, moment, approval, call_of(state, store, approval), f"{state.url}/approvals/{id_}", link)


def sample(state: State, webhook: Webhook) -> Notice:
    """A message of a call that never was, for the test of a webhook."""
    now = time.time()
    approval = Approval(
        organisation=webhook.organisation,
        grant_id=str(uuid.UUID(int=0)),
        grant_label="sample",
        principal="nobody",
        server_id=str(uuid.UUID(int=0)),
        server_name="sample",
        method="tools/call",
        tool="sample_tool",
        arguments="",
        rest="",
        fingerprint="",
        policy_id=str(uuid.UUID(int=0)),
        revision=1,
        rule="/tools/sample_tool/action",
        reason="This is what a waiting call looks like. Nothing waits.",
        id="apr_sample",
        created=now,
        expires=now + 600,
        state="pending",
        decided_by="",
        decided_at=None,
        decision_reason="",
        used_by="",
    )
    call = held.read(b'{"method":"tools/call","params":{"name":"sample_tool","arguments":{"amount":1200}}}')
    return Notice("test", now, approval, call, f"{state.url}/approvals", "")


async def send(state: State, webhook: Webhook, told: Notice, id_: str) -> Sent:
    """Send a message under its id, which stays the same in each try. Raises NotStored, SealBroken."""
    target = await asyncio.to_thread(webhooks.target, state.engine, state.master.sealer(PURPOSE), webhook.id)
    headers, body = _request(webhook, target, told, id_)
    try:
        answer = await fetch(
            "POST",
            target.url,
            headers,
            body,
            allow_private=webhook.options.allow_private,
            timeout=TIMEOUT,
            limit=_ANSWER,
        )
    except OutboundError as error:
        return Sent(f"{error.place} {error.cause}")
    if 200 <= answer.status < 300:
        return Sent("")
    moved = ", and redirects are not followed" if 300 <= answer.status < 400 else ""
    return Sent(f"answered {answer.status}{moved}", _rest(answer.headers.get("retry-after", "")))


def _request(webhook: Webhook, target: Target, told: Notice, id_: str) -> tuple[dict[str, str], bytes]:
    headers = {"content-type": "application/json"}
    if webhook.format == "slack":
        return headers, messages.slack(told, values=webhook.options.values)
    body = messages.generic(told, values=webhook.options.values)
    return {**headers, **messages.signature(target.secret, id_, int(time.time()), body)}, body


def _rest(said: str) -> float:
    """Seconds of a Retry-After; the other form of that header, a date, is left to our own schedule."""
    return min(float(said), _REST_AT_MOST) if said.isascii() and said.isdigit() else 0.0
