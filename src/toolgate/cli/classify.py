"""`toolgate classify`: tool definitions in, what each tool does and which policy it asks for out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby, islice
from pathlib import Path
from typing import Annotated, Any

import typer

from toolgate.classifier.classify import Classification, classify_all
from toolgate.classifier.lexicon import Lexicon, extended, shipped
from toolgate.classifier.recommend import recommend
from toolgate.cli import exits, printing
from toolgate.cli.definition_lines import Definition, Lines
from toolgate.cli.files import read_text
from toolgate.cli.groups import new_command
from toolgate.cli.options import examples
from toolgate.store.names import shown

app = new_command()

TOGETHER = 2_000
"""Tools of one server that are looked at together; of a longer run each so many."""
MAX_LEXICON = 4 * 1024 * 1024
_LEAVE_OUT = "leave out what is known already"


@app.command(
    epilog=examples(
        "toolgate classify tools.jsonl.gz",
        "toolgate classify --table < tools.jsonl",
        "toolgate classify tools.jsonl --lexicon ours.toml",
    )
)
def classify(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="One definition a line (JSON), .gz or not; - for standard input.")
    ] = "-",
    lexicon: Annotated[
        Path | None, typer.Option("--lexicon", metavar="FILE", help="Words that are known besides (TOML).")
    ] = None,
    table: Annotated[bool, typer.Option("--table", help="Print a table for people.")] = False,
) -> None:
    """Say of each tool what it does, how risky that is and why, as one JSON object a line.

    Takes objects with `server`, `name` (or `title`), `description`, `inputSchema` and `annotations`. Tools of one
    server that stand together are judged together. Lines that are no definition are named, the others go on; then it
    leaves with 2.
    """
    known = shipped() if lexicon is None else extended(read_text(lexicon, MAX_LEXICON, _LEAVE_OUT), shown(str(lexicon)))
    with Lines(file) as lines:
        answers = (answer for server, tools in _runs(lines) for answer in _answers(server, tools, known))
        _print_table(answers) if table else _print_lines(answers)
    if lines.failed:
        raise typer.Exit(exits.BAD_INPUT)


def _runs(lines: Iterable[Definition]) -> Iterator[tuple[str, list[Definition]]]:
    """The definitions of one server that stand together, at most 2,000 at a time."""
    for server, run in groupby(lines, lambda each: each.server):
        while tools := list(islice(run, TOGETHER)):
            yield server, tools


def _answers(server: str, definitions: Sequence[Definition], lexicon: Lexicon) -> Iterator[dict[str, Any]]:
    tools = [each.tool for each in definitions]
    for tool, found in zip(tools, classify_all(tools, server, lexicon), strict=True):
        yield _answer(server, tool, found)


def _answer(server: str, tool: Mapping[str, object], found: Classification) -> dict[str, Any]:
    policy = recommend([tool], server, [found])
    return {"server": server, "tool": tool["name"], **found.facts(), "recommended_policy": policy}


def _print_lines(answers: Iterable[dict[str, Any]]) -> None:
    for answer in answers:
        printing.emit_json(answer)


def _print_table(answers: Iterable[dict[str, Any]]) -> None:
    head = ("server", "tool", "category", "risk", "confidence", "signals")
    rows = [(*(each[name] for name in head[:-1]), ", ".join(each["signals"])) for each in answers]
    printing.table(head, rows, "no tools: give one definition a line")
