"""`toolgate member`: the people who may use the dashboard and the REST API."""

from __future__ import annotations

from typing import Annotated

import typer

from toolgate.cli import printing
from toolgate.cli.administration import Described
from toolgate.cli.chosen import people
from toolgate.cli.groups import new_group
from toolgate.cli.options import DataOption, JsonOption, examples

app = new_group("Let people in, and keep them out.")

MemberArgument = Annotated[str, typer.Argument(metavar="MEMBER", help="E-mail or id of the member.")]
RoleOption = Annotated[
    str,
    typer.Option("--role", metavar="ROLE", help="viewer, policy_manager or admin: each with all of the one before."),
]
ApproverOption = Annotated[
    list[str] | None,
    typer.Option(
        "--approver", metavar="SERVER", help="A server whose waiting calls they may decide on, or *. Repeatable."
    ),
]
OrganisationOption = Annotated[
    str | None,
    typer.Option("--organisation", metavar="NAME", help="Of this organisation; by default the operator's."),
]


@app.command(
    epilog=examples(
        "toolgate member add ada@example.com --role admin --approver '*'",
        "toolgate member add bob@example.com --role viewer --approver cargo --json",
    )
)
def add(
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="What they sign in with. No mail is sent.")],
    role: RoleOption,
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="By default the e-mail.")] = "",
    approver: ApproverOption = None,
    organisation: OrganisationOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Invite a person: prints a link, this once, with which they choose a password within seven days."""
    _print_link(people(data, organisation).invite(email, name, role, approver or ()), as_json)


@app.command(epilog=examples("toolgate member reset ada@example.com"))
def reset(
    member: MemberArgument,
    organisation: OrganisationOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print a link with which a member chooses another password, or comes in at last."""
    _print_link(people(data, organisation).invite_again(member), as_json)


def _print_link(invited: Described, as_json: bool) -> None:
    if as_json:
        printing.emit_json(invited)
        return
    printing.say(f"{invited['email']} is {invited['role']}. The link holds once and is not shown again:")
    printing.say("")
    printing.say(invited["link"])


@app.command("list", epilog=examples("toolgate member list", "toolgate member list --json"))
def list_(organisation: OrganisationOption = None, data: DataOption = None, as_json: JsonOption = False) -> None:
    """List the members."""
    found = people(data, organisation).members()
    if as_json:
        printing.emit_json(found)
        return
    rows = [_row(member) for member in found]
    empty = "no members yet: `toolgate serve` prints a link for the first, or use `toolgate member add`"
    printing.table(("email", "role", "approver", "state", "last seen"), rows, empty)


def _row(member: Described) -> tuple[object, ...]:
    return member["email"], member["role"], _approver(member), member["state"], member["last_seen"]


@app.command(
    epilog=examples(
        "toolgate member change ada@example.com --role viewer",
        "toolgate member change bob@example.com --approver cargo --approver crm",
    )
)
def change(
    member: MemberArgument,
    role: Annotated[
        str | None, typer.Option("--role", metavar="ROLE", help="Another role; ends their sessions.")
    ] = None,
    name: Annotated[str | None, typer.Option("--name", metavar="NAME", help="Another name.")] = None,
    approver: ApproverOption = None,
    no_approver: Annotated[bool, typer.Option("--no-approver", help="They decide on no calls any more.")] = False,
    organisation: OrganisationOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Change what a member may do; what is not named stays."""
    approves = [] if no_approver else approver or None
    after = people(data, organisation).change_member(member, name, role, approves)
    _print(after, f"{after['email']} is {after['role']} now, approver of {_approver(after) or 'nothing'}", as_json)


@app.command(epilog=examples("toolgate member disable ada@example.com"))
def disable(
    member: MemberArgument,
    organisation: OrganisationOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Keep a member out: their sessions end at once."""
    _set_disabled(member, organisation, data, as_json, disabled=True)


@app.command(epilog=examples("toolgate member enable ada@example.com"))
def enable(
    member: MemberArgument,
    organisation: OrganisationOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let a disabled member in again."""
    _set_disabled(member, organisation, data, as_json, disabled=False)


def _set_disabled(member: str, organisation: str | None, data: str | None, as_json: bool, *, disabled: bool) -> None:
    after = people(data, organisation).disable_member(member, disabled=disabled)
    _print(after, f"{after['email']} is {'disabled' if disabled else 'enabled'}", as_json)


@app.command("sign-out", epilog=examples("toolgate member sign-out ada@example.com"))
def sign_out(
    member: MemberArgument,
    organisation: OrganisationOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """End every session of a member; they may sign in again."""
    found, ended = people(data, organisation).sign_out(member)
    _print(found, f"{found['email']} is signed out of {ended} browsers", as_json)


@app.command(epilog=examples("toolgate member remove ada@example.com"))
def remove(
    member: MemberArgument,
    organisation: OrganisationOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Forget a member; what they did stays in the records."""
    gone = people(data, organisation).remove_member(member)
    _print(gone, f"removed {gone['email']}", as_json)


def _print(member: Described, line: str, as_json: bool) -> None:
    if as_json:
        printing.emit_json(member)
    else:
        printing.say(line)


def _approver(member: Described) -> str:
    kept = member["approver"]
    return kept if isinstance(kept, str) else ", ".join(server[:8] for server in kept)
