"""What commands print: tables for people, JSON for programs; names never reach the terminal unescaped."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence

import typer

from toolgate.store.moments import when as when
from toolgate.store.names import escaped

WHOLE = 20
"""Columns up to this width (a time has it) are never broken; wider ones share what is left of the terminal."""


def say(text: str, colour: str | None = None) -> None:
    """A line for people, on standard output; in this colour on a terminal, unless NO_COLOR asks for none."""
    line = escaped(text)
    typer.echo(typer.style(line, fg=colour) if colour and not os.environ.get("NO_COLOR") else line)


def complain(line: str, mend: str = "") -> None:
    """An error or a warning with what to do about it, on standard error."""
    typer.echo(escaped(line), err=True)
    if mend:
        typer.echo(escaped(f"help: {mend}"), err=True)


def warn(place: str, cause: str, mend: str = "") -> None:
    """A remark that does not end the command."""
    complain(f"warning: {place}: {cause}", mend)


def document(text: str) -> None:
    """A text that somebody gave, as it was given; on a terminal line by line, with nothing that moves the cursor."""
    if not sys.stdout.isatty():
        typer.echo(text, nl=not text.endswith("\n"))
        return
    for line in text.splitlines():
        typer.echo(escaped(line.expandtabs()))


def emit_json(value: object) -> None:
    """One JSON value on one line; ASCII only, so that no encoding and no terminal can misread it."""
    typer.echo(json.dumps(value))


def fields(rows: Mapping[str, object]) -> None:
    """Names and values below each other, aligned."""
    width = max(map(len, rows), default=0)
    for name, value in rows.items():
        typer.echo(f"{name.ljust(width)}  {cell(value)}")


def table(
    head: Sequence[str], rows: Sequence[Sequence[object]], empty: str, styles: Mapping[str, str] | None = None
) -> None:
    """A table: drawn on a terminal, aligned text when piped; `empty` is what to say when there are no rows.

    `styles` are those of rich, by what a first column says.
    """
    cells = [[cell(value) for value in row] for row in rows]
    if not cells:
        typer.echo(empty, err=True)
    elif sys.stdout.isatty():
        _drawn(head, cells, styles or {})
    else:
        _aligned(head, cells)


def _aligned(head: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    widths = [max(len(row[column]) for row in [head, *cells]) for column in range(len(head))]
    for row in [[name.upper() for name in head], *cells]:
        typer.echo("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())


def _drawn(head: Sequence[str], cells: Sequence[Sequence[str]], styles: Mapping[str, str]) -> None:
    # Imported here: rich takes a tenth of a second, and only a person at a terminal needs it.
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    for column, name in enumerate(head):
        widest = max(len(row[column]) for row in cells)
        drawn.add_column(name, overflow="fold", no_wrap=widest <= WHOLE)
    for row in cells:
        first, *others = row
        drawn.add_row(Text(first, style=styles.get(first, "")), *(Text(text) for text in others))
    Console(highlight=False).print(drawn)


def cell(value: object) -> str:
    """A value as people read it; nothing in it can move the cursor."""
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return escaped(str(value))
