"""`toolgate policy preset`: a document with rules that many people want, printed, or added to one that is given."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from toolgate.classifier.classify import classify_all
from toolgate.classifier.legs import known_as_judged, known_of
from toolgate.cli import printing
from toolgate.cli.definition_lines import Lines
from toolgate.cli.files import read_text
from toolgate.cli.options import DataOption, JsonOption
from toolgate.cli.registered import registered_tools
from toolgate.control.builder.splices import become, laid_out
from toolgate.policy.document import PolicyError, parse
from toolgate.policy.presets.preset import BadOption, Known
from toolgate.policy.presets.shipped import PRESETS, add, begin, preset_of
from toolgate.store.errors import BadInput
from toolgate.store.names import shown

MAX_FILE = 8 * 1024 * 1024


def preset(  # noqa: PLR0913, PLR0917 - typer declares options as parameters
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Which one; --list shows them.")] = None,
    server: Annotated[
        str | None, typer.Option("--server", metavar="SERVER", help="For the tools of this server.")
    ] = None,
    tools: Annotated[
        str | None,
        typer.Option("--tools", metavar="FILE", help="For these tools: one definition a line (JSON), .gz or not."),
    ] = None,
    onto: Annotated[
        Path | None, typer.Option("--onto", metavar="FILE", help="Add it to this document instead of beginning one.")
    ] = None,
    within: Annotated[
        str | None,
        typer.Option("--within", metavar="SPAN", help="lethal-trifecta: `session` (default), or a span such as 1h."),
    ] = None,
    start: Annotated[
        str | None, typer.Option("--from", metavar="MOMENT", help="freeze: when it begins, as 2026-12-24T18:00:00Z.")
    ] = None,
    end: Annotated[str | None, typer.Option("--to", metavar="MOMENT", help="freeze: when it ends.")] = None,
    daily: Annotated[str | None, typer.Option("--daily", metavar="N", help="money-cap: the most for a day.")] = None,
    counter: Annotated[
        str | None, typer.Option("--counter", metavar="NAME", help="money-cap: the counter (default money).")
    ] = None,
    most: Annotated[
        str | None, typer.Option("--max", metavar="N", help="loop-breaker: how many identical calls (default 10).")
    ] = None,
    window: Annotated[
        str | None, typer.Option("--window", metavar="SECONDS", help="loop-breaker: in how long (default 60).")
    ] = None,
    listed: Annotated[bool, typer.Option("--list", help="List the presets and their options.")] = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print a policy made from a preset, or a given one with the preset added.

    A document of its own lists the tools that are given, or every tool where none are; with --onto nothing that the
    document denies is allowed, and what is not changed keeps its bytes. Nothing is stored. What a person should know
    of the result is said on standard error.
    """
    if listed or name is None:
        _list(as_json, wanted=listed)
        return
    options = {"within": within, "from": start, "to": end, "daily": daily, "counter": counter}
    options |= {"max": most, "window": window}
    given = {option: value for option, value in options.items() if value is not None}
    text = None if onto is None else read_text(onto, MAX_FILE, "split it into several policies")
    made, notes = _made(name, text, _known(server, tools, data), given)
    if as_json:
        printing.emit_json({"preset": name, "document": json.loads(made), "notes": notes})
        return
    printing.document(made)
    for note in notes:
        printing.complain(f"note: {note}")


def _list(as_json: bool, *, wanted: bool) -> None:
    if not wanted:
        raise BadInput("NAME", "no preset is named", "`toolgate policy preset --list` shows them")
    if as_json:
        printing.emit_json([_described(one) for one in PRESETS])
        return
    rows = [(one.name, " ".join(f"--{option.name}" for option in one.options), one.summary) for one in PRESETS]
    printing.table(("name", "options", "what it does"), rows, "")


def _described(one: Any) -> dict[str, Any]:
    options = [
        {"name": option.name, "words": option.words, "default": option.default or None, "example": option.example}
        for option in one.options
    ]
    return {"name": one.name, "summary": one.summary, "needs_tools": one.needs_tools, "options": options}


def _known(server: str | None, tools: str | None, data: str | None) -> list[Known]:
    """What is known of the tools: of a server as they are judged there, of a file as the lexicon has it."""
    if server is not None and tools is not None:
        raise BadInput("--tools", "--server names tools already", "give one of them")
    if server is not None:
        rows = registered_tools(server, data)
        return known_as_judged([row["definition"] for row in rows], [row["category"] for row in rows], server)
    return [] if tools is None else _of_file(tools)


def _of_file(file: str) -> list[Known]:
    with Lines(file) as lines:
        read = list(lines)
    if lines.failed:
        raise BadInput(shown(file), f"has {lines.failed} lines that are no definition", "correct or remove them")
    if len({each.server for each in read}) > 1:
        raise BadInput(shown(file), "holds tools of several servers", "a grant is for one: give those of one server")
    tools = [each.tool for each in read]
    return known_of(zip(tools, classify_all(tools, read[0].server if read else ""), strict=True))


def _made(name: str, text: str | None, known: list[Known], given: Mapping[str, str]) -> tuple[str, tuple[str, ...]]:
    """The text of the document with the preset, and what is to be said of it."""
    try:
        chosen = preset_of(name)
        if text is None:
            added = begin(chosen, known, given)
            made = laid_out(added.document)
        else:
            added = add(chosen, parse(text).raw, known, given)
            made = become(text, "", added.document)
        parse(made)
    except BadOption as error:
        places = {"preset": "NAME", "tools": "--server"}
        place = places.get(error.place, error.place if error.place.startswith("/") else f"--{error.place}")
        raise BadInput(place, error.cause, error.mend) from error
    except PolicyError as error:
        first = error.problems[0]
        raise BadInput(first.pointer or "policy", first.cause, first.mend) from error
    return made, added.notes
