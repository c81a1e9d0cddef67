"""The guided tour: `python -m toolgate.demo.tour`, or `make demo`; `--exit` ends it by itself.

Everything in it is real: the gateway, an MCP server made with the official SDK, the official client, the command line.
"""

from __future__ import annotations

import argparse
import logging
import re
import shutil
import signal
import sys
from pathlib import Path

import anyio

from toolgate import clients
from toolgate.demo import play, stage
from toolgate.demo.acts import Acts
from toolgate.demo.play import Play
from toolgate.demo.screen import Screen
from toolgate.errors import ToolgateError

FOLDER = Path(".cache/demo")
"""Where a tour keeps its files, below the folder it is started in; made anew by the next one."""


def introduce(screen: Screen, chosen: Play) -> None:
    """Say what is going to happen, and what this machine lacks for the full tour."""
    screen.title(
        "Toolgate, a guided tour",
        "A gateway stands between an agent and its tools and judges every call before the tool's server sees it.\n"
        "Gateway, server, client and command line below are the real ones; what they print is what they said.",
    )
    if chosen is play.FILES:
        screen.say("\n[yellow]There is no cargo on this machine: the tour uses a small files server instead.[/]")


def farewell(screen: Screen, chosen: Play, acts: Acts, ends: bool) -> None:
    """What to paste into a client, and where to look."""
    stays = "This gateway ends now; `make demo` without EXIT leaves one up." if ends else "The first policy again:"
    screen.step("Connect your own client", stays)
    url, token = acts.encore()
    screen.say("\nClaude Code:")
    screen.verbatim(clients.claude_code(chosen.server, url, token))
    screen.say("\nCursor, in .cursor/mcp.json:")
    screen.verbatim(clients.cursor(chosen.server, url, token))
    screen.say("\nOther clients, in their JSON configuration:")
    screen.verbatim(clients.generic(chosen.server, url, token))
    screen.step("Where to look")
    rows = [
        ("the dashboard", welcome(FOLDER / "gateway.log")),
        ("every decision", f".venv/bin/toolgate audit list --data {FOLDER}/data"),
        ("calls that wait", f".venv/bin/toolgate approval list --data {FOLDER}/data"),
        ("the policy in force", f"{FOLDER}/agent.json"),
        ("the journal", f"{FOLDER}/data/journal"),
        ("what the gateway printed", f"{FOLDER}/gateway.log"),
        ("what next", "README.md, docs/policy.md, examples/"),
    ]
    screen.table(("", ""), rows)


def welcome(log: Path) -> str:
    """The link by which the first admin of this installation signs in: it stands in the log of `serve`."""
    found = re.search(r"http://\S+/welcome/\S+", log.read_text())
    return found[0] if found else "its address is in gateway.log"


def prepare(chosen: Play) -> Path:
    """An empty folder with what the server serves in it."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    served = FOLDER / "served"
    served.mkdir(parents=True)
    chosen.prepare(served)
    return served


def tour(screen: Screen, ends: bool) -> None:
    """Set the stage, play the acts, and stay up unless it `ends`."""
    chosen = play.choose()
    introduce(screen, chosen)
    served = prepare(chosen)
    with (
        stage.server(chosen.module, served, FOLDER / "server.log") as upstream,
        stage.gateway(FOLDER) as command_line,
    ):
        acts = Acts(screen, chosen, command_line)
        acts.set_up(upstream)
        anyio.run(acts.play, upstream, served)
        farewell(screen, chosen, acts, ends)
        if not ends:
            screen.say("\n[bold]The gateway stays up. Press Ctrl-C to end it.[/]")
            signal.pause()


def main() -> int:
    """Play the tour from the command line; 1 where it could not be played."""
    options = argparse.ArgumentParser(prog="python -m toolgate.demo.tour", description="A guided tour of Toolgate.")
    options.add_argument("--exit", action="store_true", help="end when the tour is over")
    ends = options.parse_args().exit
    # The client library reports refused requests to the log; the tour shows them itself.
    logging.disable(logging.CRITICAL)
    for number in (signal.SIGINT, signal.SIGTERM):  # also where a shell's background job would ignore the first
        signal.signal(number, signal.default_int_handler)
    status = 0
    try:
        tour(Screen(), ends)
    except* KeyboardInterrupt:
        sys.stdout.write("\nended\n")
    except* ToolgateError as errors:
        sys.stderr.write(f"{_leaf(errors)}\n")
        status = 1
    return status


def _leaf(error: BaseException) -> BaseException:
    """What was raised, inside the groups that the client's tasks put around it."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


if __name__ == "__main__":
    raise SystemExit(main())
