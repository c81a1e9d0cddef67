"""`toolgate approval`: calls that wait for a person, and the decision on them."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import typer

from toolgate.cli import exits, printing
from toolgate.cli.groups import new_group
from toolgate.cli.installation import Installation
from toolgate.cli.options import DataOption, JsonOption, actor, examples
from toolgate.keys import MasterKey
from toolgate.store import described, policies
from toolgate.store.approvals import SEAL, Approval, ApprovalStore, NotPending
from toolgate.store.database import writing
from toolgate.store.errors import NotStored
from toolgate.store.legible import legible, legible_lines
from toolgate.store.names import check_text

app = new_group("Decide on calls that wait for a person.")

_PATIENCE = 10.0

ApprovalArgument = Annotated[
    str, typer.Argument(metavar="APPROVAL", help="Its id, or how that begins (with or without apr_).")
]
ReasonOption = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; the agent reads it when refused.")]


@app.command("list", epilog=examples("toolgate approval list", "toolgate approval list --state all --json"))
def list_(
    state: Annotated[
        Literal["pending", "approved", "denied", "used", "expired", "void", "all"],
        typer.Option("--state", help="Which ones."),
    ] = "pending",
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the calls that wait, oldest first, or those that were decided on in the last 30 days."""
    found = _store(Installation.at(data).data).every(() if state == "all" else (state,))
    if as_json:
        printing.emit_json([described.approval(approval) for approval in found])
        return
    empty = "no call waits for a person" if state == "pending" else "no approvals"
    head = ("id", "state", "left", "grant", "server", "call", "rule", "reason")
    printing.table(head, [_row(approval) for approval in found], empty)


def _row(approval: Approval) -> tuple[object, ...]:
    call = legible(approval.tool or approval.method)
    reason = legible(approval.reason)
    return (
        approval.id,
        approval.state,
        _left(approval),
        approval.grant_label,
        approval.server_name,
        call,
        approval.rule,
        reason,
    )


@app.command(epilog=examples("toolgate approval show apr_k3", "toolgate approval show k3 --json | jq .call"))
def show(approval: ApprovalArgument, data: DataOption = None, as_json: JsonOption = False) -> None:
    """Show the call that waits, whole, and why it does.

    Characters that could hide or reorder text stand as \\uXXXX.
    """
    place = Installation.at(data)
    store = _store(place.data)
    found = store.get(approval)
    call = MasterKey.load(place.data).sealer(SEAL).open(store.sealed(found.id), found.id.encode())
    if as_json:
        text = msgspec.json.encode({**described.approval(found), "call": msgspec.Raw(call)}).decode()
        printing.say(json_ascii(text))
        return
    printing.fields(_facts(found, _policy_name(place, found)))
    printing.say("")
    for line in legible_lines(msgspec.json.format(call, indent=2).decode()).split("\n"):
        printing.say(line)


def json_ascii(text: str) -> str:
    """JSON with every character beyond ASCII escaped, and every number as it stands."""
    return "".join(char if char.isascii() else json.dumps(char)[1:-1] for char in text)


def _facts(approval: Approval, policy: str) -> dict[str, object]:
    facts: dict[str, object] = {
        "id": approval.id,
        "state": approval.state,
        "left": _left(approval),
        "asked": printing.when(approval.created),
        "expires": printing.when(approval.expires),
        "grant": f"{approval.grant_label} ({approval.grant_id})",
        "principal": approval.principal,
        "server": f"{approval.server_name} ({approval.server_id})",
        "policy": policy,
        "rule": approval.rule,
        "reason": legible(approval.reason),
    }
    if approval.decided_by:
        facts["decided by"] = f"{approval.decided_by}, {printing.when(approval.decided_at)}"
        facts["because"] = legible(approval.decision_reason)
    return facts


@app.command(epilog=examples("toolgate approval approve apr_k3", 'toolgate approval approve k3 --reason "ticket 812"'))
def approve(
    approval: ApprovalArgument, reason: ReasonOption = "", data: DataOption = None, as_json: JsonOption = False
) -> None:
    """Let a call go on: this very one, or one identical repeat until the approval expires."""
    _decide(approval, "approved", reason, data, as_json)


@app.command(epilog=examples('toolgate approval deny apr_k3 --reason "not on a Friday"'))
def deny(
    approval: ApprovalArgument, reason: ReasonOption = "", data: DataOption = None, as_json: JsonOption = False
) -> None:
    """Refuse a call, and its identical repeats until the approval expires."""
    _decide(approval, "denied", reason, data, as_json)


def _decide(named: str, state: Literal["approved", "denied"], reason: str, data: str | None, as_json: bool) -> None:
    """Decide and write down who did; leaves with 1 when somebody else was first.

    The transaction of the event is open before the decision counts: a database that cannot be written decides nothing.
    """
    why = check_text("--reason", reason) if reason else ""
    place = Installation.at(data)
    store = _store(place.data)
    found, who = store.get(named), actor()
    try:
        with writing(place.engine, who) as transaction:
            decided = store.decide(found.id, state, who, why)
            before, after = {"state": "pending"}, {"state": state, "reason": why}
            transaction.event(f"approval.{state}", "approval", found.id, before, after)
    except NotPending as late:
        printing.complain(f"{late.place}: {late.cause}")
        raise typer.Exit(exits.FINDINGS) from None
    if as_json:
        printing.emit_json(described.approval(decided))
    else:
        call = legible(decided.tool or decided.method)
        printing.say(f"{state} {decided.id}: {call} for {decided.grant_label} on {decided.server_name}")


def _left(approval: Approval) -> str:
    """How long it can still be decided on, or used."""
    if approval.state not in {"pending", "approved"}:
        return ""
    seconds = max(0, round(approval.expires - time.time()))
    hours, minutes = divmod(seconds // 60, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds % 60} s"


def _policy_name(place: Installation, approval: Approval) -> str:
    """The policy as people call it, with its revision; `toolgate run` records the file and the start of its digest."""
    try:
        return f"{policies.get(place.engine, approval.policy_id).name}, revision {approval.revision}"
    except NotStored:
        return f"{approval.policy_id}, revision {approval.revision}"


def _store(data: Path) -> ApprovalStore:
    """The approvals of an installation; a directory without any has none."""
    return ApprovalStore(data, patience=_PATIENCE)
