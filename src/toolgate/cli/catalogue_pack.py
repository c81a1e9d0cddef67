"""`toolgate catalogue pack`: the facts of a file of definitions, as they are shipped in the package."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from toolgate.catalogue.box import pack as packed
from toolgate.catalogue.lines import read_lines
from toolgate.cli import printing
from toolgate.cli.groups import new_command
from toolgate.cli.options import examples
from toolgate.cli.progress import progress
from toolgate.store.errors import BadInput
from toolgate.store.names import escaped

app = new_command()


@app.command(epilog=examples("toolgate catalogue pack mcp_tools.jsonl.gz box.jsonl.xz"))
def pack(
    file: Annotated[Path, typer.Argument(metavar="DATA", help="JSON lines with `server`, `name`, ...; may be gzip.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The file to write.")],
) -> None:
    """Judge the tools of a file and write the facts alone: no description, no schema, no sentence of anybody.

    The same data and the same release make the same file.
    """
    lines = read_lines(file)
    if lines.bad:
        number, cause = lines.bad[0]
        raise BadInput(escaped(str(file)), f"line {number}: {cause}", "mend the data first")
    with progress("judging servers") as tell:
        box = packed(lines.servers, tell)
    try:
        out.write_bytes(box)
    except OSError as error:
        raise BadInput(escaped(str(out)), f"cannot be written: {error.strerror}", "check the path") from error
    tools = sum(map(len, lines.servers.values()))
    printing.say(f"packed {tools} tools of {len(lines.servers)} servers into {len(box)} bytes")
