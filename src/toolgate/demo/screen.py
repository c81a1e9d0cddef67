"""How the tour looks: numbered steps, what was typed, what came back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

WIDTH = 110


def written(value: Any, width: int, indent: str = "") -> str:
    """JSON with every value that fits on one line in one line."""
    flat = json.dumps(value)
    if len(indent) + len(flat) <= width or not isinstance(value, dict | list):
        return flat
    deeper = indent + "  "
    if isinstance(value, dict):
        items = [f"{json.dumps(key)}: {written(item, width - len(key) - 4, deeper)}" for key, item in value.items()]
        opening, closing = "{}"
    else:
        items = [written(item, width, deeper) for item in value]
        opening, closing = "[]"
    return opening + "".join(f"\n{deeper}{item}," for item in items).rstrip(",") + f"\n{indent}{closing}"


class Screen:
    """Prints the tour; one instance counts its steps."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False)
        if self.console.width > WIDTH or not self.console.is_terminal:
            self.console.width = WIDTH
        self._steps = 0

    def title(self, heading: str, text: str) -> None:
        """The first thing on the screen."""
        self.console.print(Panel(text, title=f"[bold]{heading}", title_align="left", padding=(1, 2)))

    def step(self, heading: str, text: str = "") -> None:
        """Begin the next step."""
        self._steps += 1
        self.console.print()
        self.console.rule(f"[bold cyan]{self._steps}[/]  [bold]{heading}", align="left", style="cyan")
        if text:
            self.console.print(text)

    def say(self, text: str) -> None:
        """A sentence of the guide."""
        self.console.print(text)

    def typed(self, *words: str) -> None:
        """A command line of `toolgate`, as a person would type it."""
        self.console.print(f"[dim]$[/] [bold]toolgate {escape(' '.join(words))}[/]", soft_wrap=True)

    def document(self, value: dict[str, Any]) -> None:
        """A policy, as one would write it by hand."""
        text = written(value, self.console.width - 2)
        self.console.print(Syntax(text, "json", theme="ansi_dark", background_color="default", word_wrap=True))

    def call(self, tool: str, arguments: dict[str, Any], denied: bool, text: str) -> None:
        """One call of the agent and what it read as the answer."""
        shown = escape(f"{tool} {json.dumps(arguments)}")
        verdict = "[bold red]deny [/]" if denied else "[bold green]allow[/]"
        self.console.print(f"{verdict} [bold]{shown}[/]", soft_wrap=True)
        answer = Text(text.rstrip("\n"), style="red" if denied else "green")
        self.console.print(Panel(answer, border_style="dim", padding=(0, 1)))

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Rows under headings; long cells fold."""
        table = Table(*columns, box=None, header_style="bold dim", padding=(0, 2, 0, 0), show_header=any(columns))
        for row in rows:
            table.add_row(*(escape(cell) for cell in row))
        self.console.print(table)

    def verbatim(self, text: str) -> None:
        """Lines to copy: never wrapped, never styled."""
        self.console.print(Text(text), soft_wrap=True)
