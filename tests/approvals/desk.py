"""The person's side of the tests: what waits, and what is decided of it."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from contextlib import closing

from tests.gateway.running import Answer, Gateway, Grant, Json

from toolgate.store.approvals import FILE, Approval, ApprovalStore

ASK: Json = {"version": "1", "default": "allow", "tools": {"deploy": {"action": "require_approval", "reason": "Mind."}}}
DEPLOY: Json = {"name": "deploy", "inputSchema": {"type": "object", "properties": {"to": {"type": "string"}}}}
TOOLS = (DEPLOY, {"name": "look", "inputSchema": {"type": "object"}})
PERSON = "cli:ada"


def store(gateway: Gateway) -> ApprovalStore:
    return ApprovalStore(gateway.data, patience=10.0)


def of(grant: Grant, *states: str) -> list[Approval]:
    """The grant's approvals in these states (in all, when none is named), oldest first."""
    opened = store(grant.gateway)
    try:
        return [approval for approval in opened.every(states) if approval.grant_id == grant.id]
    finally:
        opened.close()


async def asked(grant: Grant, count: int = 1) -> Approval:
    """The newest pending approval of the grant, as soon as there are `count`."""
    async with asyncio.timeout(20):
        while len(found := of(grant, "pending")) < count:
            await asyncio.sleep(0.005)
    return found[-1]


async def held(grant: Grant, count: int) -> None:
    """Return when so many calls of the grant are recorded as waiting."""
    async with asyncio.timeout(20):
        while sum(decision.outcome == "wait" for decision in grant.decisions()) < count:
            await asyncio.sleep(0.005)


def approve(gateway: Gateway, approval: Approval) -> None:
    opened = store(gateway)
    opened.decide(approval.id, "approved", PERSON, "fine")
    opened.close()


def deny(gateway: Gateway, approval: Approval, reason: str = "") -> None:
    opened = store(gateway)
    opened.decide(approval.id, "denied", PERSON, reason)
    opened.close()


def let_expire(gateway: Gateway, approval: Approval) -> None:
    """As if its time were over."""
    with closing(sqlite3.connect(gateway.data / FILE, timeout=10)) as db, db:
        db.execute("UPDATE approvals SET expires = created - 1 WHERE id = ?", (approval.id,))


def waits(answer: Answer) -> bool:
    """Whether the client was told that its call still waits, and was given no result."""
    result = answer.json["result"]
    told = re.search(r"^Waiting for approval (apr_[a-z2-9]{10}): ", answer.text)
    if told is None or result["isError"] is not True:
        return False
    return bool(result["_meta"]["io.toolgate/approval"]["approval"] == told[1])
