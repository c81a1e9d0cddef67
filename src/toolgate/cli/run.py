"""`toolgate run`: a policy around one server, in place of the server's own command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from toolgate.cli.groups import new_command
from toolgate.cli.options import (
    AllowPrivateOption,
    ApprovalWaitOption,
    DataOption,
    SentOption,
    examples,
)

app = new_command()

PolicyOption = Annotated[
    Path, typer.Option("-c", "--policy", metavar="FILE", help="The policy; looked at again whenever it changes.")
]
CommandArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="COMMAND [ARG]", help="The server's own command, as it stood in the client."),
]
GrantOption = Annotated[
    str,
    typer.Option(
        "--grant",
        metavar="NAME",
        help="Who calls, in records and limits; the same name shares its limits. By default policy and command.",
    ),
]
DigestOption = Annotated[
    str,
    typer.Option("--policy-digest", metavar="HEX", help="Accept a policy with this SHA-256 only, now and later."),
]
UpstreamOption = Annotated[
    str, typer.Option("--upstream", metavar="URL", help="A server behind HTTP, in place of a command.")
]

ForgetOption = Annotated[
    bool,
    typer.Option("--forget", help="Have the tools of the server judged anew at the next start, and leave."),
]


@app.command(
    context_settings={"allow_interspersed_args": False},
    epilog=examples(
        "toolgate run -c policy.json -- npx -y server-files ~/project",
        "toolgate run -c policy.json --grant laptop -- python server.py",
        "toolgate run -c policy.json --upstream https://mcp.example/mcp \\\n"
        '      --header "Authorization: env:MCP_AUTHORIZATION"',
    ),
)
def run(  # noqa: PLR0913, PLR0917 - typer declares options as parameters
    policy: PolicyOption,
    command: CommandArgument = None,
    grant: GrantOption = "",
    policy_digest: DigestOption = "",
    data: DataOption = None,
    approval_wait: ApprovalWaitOption = 45.0,
    upstream: UpstreamOption = "",
    header: SentOption = None,
    allow_private: AllowPrivateOption = False,
    forget: ForgetOption = False,
) -> None:
    """Put a policy around a server: the client starts this in place of the server's own command."""
    # Imported here, as the gateway is most of the program and `--help` needs none of it.
    from toolgate.cli.quick import wrapping_of
    from toolgate.wrapping import forget as forget_judgements
    from toolgate.wrapping import wrap

    wrapping = wrapping_of(
        policy,
        command or (),
        grant=grant,
        policy_digest=policy_digest,
        data=data,
        approval_wait=approval_wait,
        upstream=upstream,
        header=header or (),
        allow_private=allow_private,
    )
    if forget:
        typer.echo(f"forgot what {forget_judgements(wrapping)} tools were taken for", err=True)
        raise typer.Exit
    raise typer.Exit(wrap(wrapping))
