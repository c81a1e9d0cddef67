"""`toolgate catalogue pack`: the facts of a file of definitions, as they are shipped in the package."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from toolgate.catalogue.box import pack as packed
from toolgate.catalogue.lines import Tool, read_lines
from toolgate.cli import printing
from toolgate.cli.groups import new_command
from toolgate.cli.options import examples
from toolgate.cli.progress import progress
from toolgate.store.errors import BadInput
from toolgate.store.names import escaped

app = new_command()


@app.command(epilog=examples("toolgate catalogue pack mcp_tools.jsonl.gz --out box.jsonl.xz"))
def pack(
    files: Annotated[
        list[Path], typer.Argument(metavar="DATA...", help="JSON lines with `server`, `name`, ...; may be gzip.")
    ],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The file to write.")],
) -> None:
    """Judge the tools of files and write the facts alone: no description, no schema, no sentence of anybody.

    Of a server that several files name, the last one counts. The same data and the same release make the same file.
    """
    servers: dict[str, list[Tool]] = {}
    for file in files:
        servers |= _servers_of(file)
    with progress("judging servers") as tell:
        box = packed(servers, tell)
    try:
        out.write_bytes(box)
    except OSError as error:
        raise BadInput(escaped(str(out)), f"cannot be written: {error.strerror}", "check the path") from error
    tools = sum(map(len, servers.values()))
    printing.say(f"packed {tools} tools of {len(servers)} servers into {len(box)} bytes")


def _servers_of(file: Path) -> dict[str, list[Tool]]:
    """The tools of each server. Raises BadInput for a file with a line that is no tool: what is shipped is whole."""
    lines = read_lines(file)
    if lines.bad:
        number, cause = lines.bad[0]
        raise BadInput(escaped(str(file)), f"line {number}: {cause}", "mend the data first")
    return lines.servers
