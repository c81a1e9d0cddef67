"""`toolgate catalogue serve-mcp`: what is known of servers and tools, for agents to ask."""

from __future__ import annotations

from typing import Annotated

import typer

from toolgate.cli import printing
from toolgate.cli.groups import new_command
from toolgate.cli.options import DataOption, data_directory, examples

app = new_command()


@app.command(epilog=examples("toolgate catalogue serve-mcp", "toolgate catalogue serve-mcp --http 127.0.0.1:9100"))
def serve_mcp(
    http: Annotated[
        str | None,
        typer.Option("--http", metavar="HOST:PORT", help="Serve HTTP on this loopback address; else stdio."),
    ] = None,
    data: DataOption = None,
) -> None:
    """Answer agents over MCP: check_server, check_tool, search_catalogue, recommend_policy.

    Everything is read from this machine, and no server is asked. Where there is no data directory, it answers from the
    facts that come in the box.
    """
    # Imported here: the SDK takes its time to load, and `--help` needs none of it.
    from toolgate import __version__
    from toolgate.adviser.serving import read_address, serve_http, serve_stdio
    from toolgate.store.tables import DEFAULT_ORGANISATION

    directory = data_directory(data)
    if http is None:
        serve_stdio(directory, DEFAULT_ORGANISATION, __version__)
    else:
        serve_http(directory, DEFAULT_ORGANISATION, __version__, read_address(http), printing.say)
