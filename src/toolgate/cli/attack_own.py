"""The policy of the user's own that attacks are tried against, and the tools that it is for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from toolgate.attacks.scene import OwnPolicy
from toolgate.cli.definition_lines import Lines
from toolgate.cli.files import read_text
from toolgate.cli.options import pairs
from toolgate.cli.registered import told_tools
from toolgate.policy.document import parse
from toolgate.store.errors import BadInput
from toolgate.store.names import shown

PolicyOption = Annotated[
    Path | None, typer.Option("--policy", metavar="FILE", help="Try the attacks against this policy.")
]
ServerOption = Annotated[
    str | None,
    typer.Option("--server", metavar="SERVER", help="With --policy: the registered server that it is for."),
]
ToolsOption = Annotated[
    str | None,
    typer.Option("--tools", metavar="FILE", help="The same by a file of tool definitions, one JSON object a line."),
]
MapOption = Annotated[
    list[str] | None,
    typer.Option("--map", metavar="TOOL=YOURS", help="Which of your tools stands for one of a case. Repeatable."),
]
_LARGEST = 1024 * 1024


def own_policy(file: Path, server: str | None, tools: str | None, chosen: Sequence[str], data: str | None) -> OwnPolicy:
    """The policy with the tools of its server. Raises BadInput, NotStored, PolicyError."""
    text = read_text(file, _LARGEST, "a policy is smaller")
    parse(text)
    if server is not None and tools is not None:
        raise BadInput("--tools", "and --server both say which tools", "give one of them")
    known = _registered(server, data) if server is not None else _listed(tools) if tools is not None else []
    named = pairs("--map", chosen)
    names = {tool["name"] for tool in known}
    for own, theirs in named.items():
        if theirs not in names:
            raise BadInput(
                "--map", f"`{shown(theirs)}`, for `{shown(own)}`, is no tool of that server", "check its name"
            )
    return OwnPolicy(text, known, named)


def _registered(server: str, data: str | None) -> list[dict[str, Any]]:
    return [version["definition"] for version in told_tools(server, data)]


def _listed(file: str) -> list[dict[str, Any]]:
    with Lines(file) as lines:
        found = [definition.tool for definition in lines]
    if not found:
        raise BadInput(
            "--tools", f"`{shown(file)}` holds no definition", "one tool object a line, as tools/list has it"
        )
    return found
