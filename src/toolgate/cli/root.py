"""The root command, and the one place where errors become words and exit codes."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, ClassVar, cast

import typer
from typer.exceptions import TyperException

from toolgate.cli import exits, printing
from toolgate.cli.chosen import choose, leave
from toolgate.cli.groups import LazyGroup
from toolgate.cli.options import examples
from toolgate.errors import ToolgateError

HELP = """The policy gateway for the Model Context Protocol.

Every tool call of an agent is judged by a policy before it reaches the server, and recorded. Register a server, write a
policy, give an agent a grant, and run the gateway.
"""


class Root(LazyGroup):
    """`toolgate`."""

    modules: ClassVar[Mapping[str, tuple[str, str]]] = {
        "serve": ("toolgate.cli.serve", "Run the gateway."),
        "run": ("toolgate.cli.run", "Put a policy around one stdio server."),
        "scan": ("toolgate.cli.scan", "See what servers can do, and what is wrong with them."),
        "classify": ("toolgate.cli.classify", "Say what tools do, told from their definitions."),
        "server": ("toolgate.cli.server", "Register MCP servers and look at their tools."),
        "policy": ("toolgate.cli.policy", "Check, test and store policies."),
        "grant": ("toolgate.cli.grant", "Give agents access, and take it back."),
        "apply": ("toolgate.cli.apply", "Make servers, policies and grants what a file says."),
        "approval": ("toolgate.cli.approval", "Decide on calls that wait for a person."),
        "attack": ("toolgate.cli.attack", "Play documented attacks, also against a policy of yours."),
        "catalogue": ("toolgate.cli.catalogue", "Look tools up: what they do and how risky they are."),
        "keys": ("toolgate.cli.keys", "Replace the master key."),
        "member": ("toolgate.cli.member", "Let people in, and keep them out."),
        "token": ("toolgate.cli.token", "Let programs administer over the REST API."),
        "organisation": ("toolgate.cli.organisation", "Keep several organisations apart."),
        "audit": ("toolgate.cli.audit", "Read and verify the records of decisions."),
        "version": ("toolgate.cli.version", "Print the version."),
    }


_shell = typer.Typer(
    name="toolgate",
    cls=Root,
    help=HELP,
    epilog=examples(
        "toolgate serve",
        "toolgate server add cargo --url http://127.0.0.1:9000/mcp",
        "toolgate --url https://gate.example:8485 --token env:GATE grant list",
    ),
    add_completion=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


@_shell.callback()
def _choose(
    context: typer.Context,
    url: Annotated[
        str | None,
        typer.Option(
            "--url",
            envvar="TOOLGATE_URL",
            metavar="URL",
            help="Administer an installation elsewhere, by the address of its dashboard.",
        ),
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(
            "--token",
            envvar="TOOLGATE_TOKEN",
            metavar="TOKEN",
            help="Its API token, better as env:NAME or @file: other users of a machine see command lines.",
        ),
    ] = None,
) -> None:
    """Remember which installation the command is about."""
    choose(url, token)
    context.call_on_close(leave)


root = cast("Root", typer.main.get_command(_shell))


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code. Whatever happens, people see sentences and no traceback."""
    _write_anything()
    try:
        code = _invoke(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        _forget_output()
        return exits.OK
    return code


def _invoke(arguments: Sequence[str] | None) -> int:
    return guarded(lambda: int(root.main(args=arguments, prog_name="toolgate", standalone_mode=False) or exits.OK))


def guarded(action: Callable[[], int]) -> int:
    """The exit code of an action; what goes wrong in it becomes words."""
    try:
        return action()
    except TyperException as error:
        return _misused(error)
    except ToolgateError as error:
        printing.complain(f"error: {error.place}: {error.cause}", error.mend)
        return exits.of(error)
    except (KeyboardInterrupt, typer.Abort):
        return exits.INTERRUPTED
    except SystemExit:  # how typer ends when the reader of the output left
        raise BrokenPipeError from None
    except BrokenPipeError:
        raise
    except Exception as error:  # the root: nothing but words may reach a person
        if os.environ.get("TOOLGATE_DEBUG") == "1":
            raise
        return _unexpected(error)


def _misused(error: TyperException) -> int:
    message = error.format_message() if hasattr(error, "format_message") else str(error)
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "toolgate"
    printing.complain(f"error: command line: {_sentence(message)}", f"`{command} --help` shows what it takes")
    return exits.BAD_INPUT


def _sentence(message: str) -> str:
    line = " ".join(message.split()).rstrip(".")
    return line[:1].lower() + line[1:]


def _unexpected(error: Exception) -> int:
    line = f"error: toolgate: failed unexpectedly: {type(error).__name__}: {_sentence(str(error))}"
    printing.complain(line, "set TOOLGATE_DEBUG=1 to see where, and please report it")
    return exits.UNEXPECTED


def _write_anything() -> None:
    """Characters that the terminal's encoding lacks are written escaped instead of failing the command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _forget_output() -> None:
    """The reader of our output left: let the interpreter's last flush go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
