"""`toolgate approval`: calls that wait for a person, and the decision on them."""

from __future__ import annotations

import json
import time
from datetime import datetime
from typing import Annotated, Literal

import msgspec
import typer

from toolgate.cli import exits, printing
from toolgate.cli.administration import Contradicted, Described
from toolgate.cli.chosen import administration
from toolgate.cli.groups import new_group
from toolgate.cli.options import DataOption, JsonOption, examples
from toolgate.store.approvals import NotPending
from toolgate.store.legible import legible, legible_lines
from toolgate.store.names import check_text

app = new_group("Decide on calls that wait for a person.")

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
    found = administration(data).approvals(state)
    if as_json:
        printing.emit_json(found)
        return
    empty = "no call waits for a person" if state == "pending" else "no approvals"
    head = ("id", "state", "left", "grant", "server", "call", "rule", "reason")
    printing.table(head, [_row(approval) for approval in found], empty)


def _row(approval: Described) -> tuple[object, ...]:
    return (
        approval["id"],
        approval["state"],
        _left(approval),
        approval["grant_label"],
        approval["server_name"],
        legible(approval["tool"] or approval["method"]),
        approval["rule"],
        legible(approval["reason"]),
    )


@app.command(epilog=examples("toolgate approval show apr_k3", "toolgate approval show k3 --json | jq .call"))
def show(approval: ApprovalArgument, data: DataOption = None, as_json: JsonOption = False) -> None:
    """Show the call that waits, whole, and why it does.

    Characters that could hide or reorder text stand as \\uXXXX.
    """
    text = administration(data).approval(approval)
    if as_json:
        printing.say(json_ascii(text))
        return
    shown = msgspec.json.decode(text, type=_Shown)
    printing.fields(_facts({**json.loads(text), "call": None}))
    printing.say("")
    for line in legible_lines(msgspec.json.format(bytes(shown.call), indent=2).decode()).split("\n"):
        printing.say(line)


class _Shown(msgspec.Struct):
    """The call as it was stored: no number in it is read and written again."""

    call: msgspec.Raw


def json_ascii(text: str) -> str:
    """JSON with every character beyond ASCII escaped, and every number as it stands."""
    return "".join(char if char.isascii() else json.dumps(char)[1:-1] for char in text)


def _facts(approval: Described) -> dict[str, object]:
    facts: dict[str, object] = {
        "id": approval["id"],
        "state": approval["state"],
        "left": _left(approval),
        "asked": approval["created"],
        "expires": approval["expires"],
        "grant": f"{approval['grant_label']} ({approval['grant_id']})",
        "principal": approval["principal"],
        "server": f"{approval['server_name']} ({approval['server_id']})",
        "policy": f"{approval['policy']}, revision {approval['revision']}",
        "rule": approval["rule"],
        "reason": legible(approval["reason"]),
    }
    if approval["decided_by"]:
        facts["decided by"] = f"{approval['decided_by']}, {approval['decided_at']}"
        facts["because"] = legible(approval["decision_reason"])
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
    """Decide on a call; leaves with 1 when somebody else was first."""
    why = check_text("--reason", reason) if reason else ""
    try:
        decided = administration(data).decide(named, state, why)
    except (NotPending, Contradicted) as late:
        printing.complain(f"{late.place}: {late.cause}")
        raise typer.Exit(exits.FINDINGS) from None
    if as_json:
        printing.emit_json(decided)
    else:
        call = legible(decided["tool"] or decided["method"])
        printing.say(f"{state} {decided['id']}: {call} for {decided['grant_label']} on {decided['server_name']}")


def _left(approval: Described) -> str:
    """How long it can still be decided on, or used."""
    if approval["state"] not in {"pending", "approved"}:
        return ""
    seconds = max(0, round(datetime.fromisoformat(approval["expires"]).timestamp() - time.time()))
    hours, minutes = divmod(seconds // 60, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds % 60} s"
