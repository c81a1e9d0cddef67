"""`toolgate scan`: what servers can do, and what is wrong with what they say."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from toolgate.cli import exits, printing
from toolgate.cli.groups import new_command
from toolgate.cli.options import (
    AllowPrivateOption,
    DataOption,
    JsonOption,
    SentOption,
    data_directory,
    examples,
)
from toolgate.scanner.rules import Level

if TYPE_CHECKING:
    from toolgate.cli.scan_output import Plan
    from toolgate.cli.scan_targets import Asked

app = new_command()

CommandArgument = Annotated[
    list[str] | None, typer.Argument(metavar="COMMAND [ARG]", help="Start this server and ask it, over its stdio.")
]
UpstreamOption = Annotated[
    list[str] | None, typer.Option("--upstream", metavar="URL", help="Ask the server at this address. Repeatable.")
]
EnvOption = Annotated[
    list[str] | None,
    typer.Option(
        "--env", metavar="K=V", help='For the command: "NAME=value", "NAME=env:VARIABLE" or "NAME=@file". Repeatable.'
    ),
]
NameOption = Annotated[
    str,
    typer.Option("--name", metavar="NAME", help="What the server is called; by default told from how it is reached."),
]
ClientsOption = Annotated[
    bool, typer.Option("--clients", help="Scan every server that the MCP clients of this machine are told to use.")
]
YesOption = Annotated[bool, typer.Option("--yes", help="Start the commands of --clients without asking.")]
CatalogueOption = Annotated[
    list[str] | None,
    typer.Option(
        "--catalogue",
        metavar="FILE",
        help="Scan definitions in a file (`-`: standard input), one a line or a `tools/list` answer. Repeatable.",
    ),
]
TimeoutOption = Annotated[
    float, typer.Option("--timeout", min=0.1, max=3600, metavar="SECONDS", help="How long each server may take.")
]
SarifOption = Annotated[str, typer.Option("--sarif", metavar="FILE", help="Write SARIF 2.1.0; `-` to standard output.")]
PolicyOption = Annotated[
    Path | None,
    typer.Option(
        "--policy", metavar="OUT", help="Write the recommended policy; of several servers, into this directory."
    ),
]
SafeguardsOption = Annotated[
    bool, typer.Option("--safeguards", help="Make the policy watch arguments too; it says what is left to fill in.")
]
FailOption = Annotated[
    str,
    typer.Option(
        "--fail-on", metavar="LEVEL", help="Exit with 1 from this level on: none, low, medium, high, critical."
    ),
]
BaselineOption = Annotated[
    Path | None, typer.Option("--baseline", metavar="FILE", help="Findings that are known and do not count.")
]
WriteOption = Annotated[bool, typer.Option("--write-baseline", help="Write all findings into the baseline instead.")]
IgnoreOption = Annotated[
    Path | None,
    typer.Option(
        "--ignore", metavar="FILE", help="Findings to live with, by default .toolgate-ignore where there is one."
    ),
]
NoStoreOption = Annotated[bool, typer.Option("--no-store", help="Keep nothing, and compare with no earlier scan.")]


@app.command(
    context_settings={"allow_interspersed_args": False},
    epilog=examples(
        "toolgate scan -- npx -y @modelcontextprotocol/server-memory",
        "toolgate scan --upstream https://mcp.example/mcp \\\n"
        '      --header "Authorization: env:MCP_AUTHORIZATION" --policy policy.json',
        "toolgate scan --clients --yes --fail-on critical",
        "toolgate scan --catalogue tools.jsonl.gz --no-store --sarif scan.sarif",
    ),
)
def scan(  # noqa: PLR0913, PLR0917 - typer declares options as parameters
    command: CommandArgument = None,
    upstream: UpstreamOption = None,
    header: SentOption = None,
    allow_private: AllowPrivateOption = False,
    env: EnvOption = None,
    name: NameOption = "",
    clients: ClientsOption = False,
    yes: YesOption = False,
    catalogue: CatalogueOption = None,
    timeout: TimeoutOption = 30.0,
    as_json: JsonOption = False,
    sarif: SarifOption = "",
    policy: PolicyOption = None,
    safeguards: SafeguardsOption = False,
    fail_on: FailOption = "high",
    baseline: BaselineOption = None,
    write_baseline: WriteOption = False,
    ignore: IgnoreOption = None,
    no_store: NoStoreOption = False,
    data: DataOption = None,
) -> None:
    """Ask servers for their tools: what each can do, which rule it needs, and what is wrong with its definition.

    Instructions, prompts and resources are judged too: what they hide, imitate or tell the model.

    Exits with 0 when nothing new is as bad as --fail-on, with 1 when something is, with 3 when a server did not answer.
    """
    # Imported here, as `--help` needs none of it.
    from toolgate.cli.scan_output import Plan
    from toolgate.cli.scan_targets import Asked

    plan = Plan(as_json, sarif, policy, safeguards, baseline, write_baseline, ignore)
    asked = Asked(
        tuple(command or ()), tuple(upstream or ()), tuple(header or ()), allow_private, tuple(env or ()), name,
        clients, yes, tuple(catalogue or ()),
    )  # fmt: skip
    raise typer.Exit(_scan(plan, asked, _level(fail_on), timeout, None if no_store else data_directory(data)))


def _scan(plan: Plan, asked: Asked, threshold: Level, timeout: float, data: Path | None) -> int:
    from toolgate.cli.scan_output import exit_code, progress
    from toolgate.cli.scan_targets import targets_of
    from toolgate.scanner.scan import scan as scan_all

    accepted = plan.check()
    targets = targets_of(asked)
    plan.check_policy(targets)
    with progress(len(targets)) as heard:
        done = scan_all(
            targets, timeout=timeout, data=data, baseline=accepted.baseline, ignores=accepted.ignores, heard=heard
        )
    plan.write(done)
    if plan.write_baseline:
        printing.complain(f"{plan.baseline} now holds every finding")
        return exits.UNREACHED if done.unreached else exits.OK
    return exit_code(done, threshold)


def _level(text: str) -> Level:
    from toolgate.scanner.rules import LEVELS

    for level in LEVELS:
        if level == text:
            return level
    raise typer.BadParameter(f"`{text}` is no level: none, low, medium, high or critical", param_hint="--fail-on")
