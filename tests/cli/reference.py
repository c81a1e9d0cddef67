"""The part of docs/cli.md that is the commands' own help. `python -m tests.cli.reference` writes it anew."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from toolgate.cli.root import root

PAGE = Path(__file__).parents[2] / "docs" / "cli.md"
BEGIN = "<!-- help: written by tests/cli/reference.py -->\n"


def commands() -> Iterator[tuple[str, Any]]:
    """Every command with its path, groups before their commands."""
    with typer.Context(root, info_name="toolgate") as context:
        yield from _below(context, "toolgate", root)


def _below(context: Any, path: str, command: Any) -> Iterator[tuple[str, Any]]:
    yield path, command
    for name in command.list_commands(context) if hasattr(command, "list_commands") else ():
        yield from _below(context, f"{path} {name}", command.get_command(context, name))


def help_of(path: str, command: Any) -> str:
    """What `--help` prints at 80 columns."""
    *above, name = path.split()
    parent = typer.Context(root, info_name=" ".join(above), max_content_width=80) if above else None
    with typer.Context(command, parent=parent, info_name=name, max_content_width=80, terminal_width=78) as context:
        context.help_option_names = ["-h", "--help"]
        command._help_option = None  # it remembers the names of whoever asked first
        return str(context.get_help()).rstrip()


def reference() -> str:
    """One section a command."""
    parts = []
    for path, command in commands():
        level = "##" if path.count(" ") == 1 else "###"
        if path != "toolgate":
            parts.append(f"{level} `{path}`\n\n```text\n{help_of(path, command)}\n```\n")
    return "\n".join(parts)


def main() -> None:
    """Replace what follows the mark."""
    written = PAGE.read_text().partition(BEGIN)[0]
    PAGE.write_text(f"{written}{BEGIN}\n{reference()}")


if __name__ == "__main__":
    main()
