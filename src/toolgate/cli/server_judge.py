"""`toolgate server judge`: what the tools of a server are taken for, where policies speak of categories."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from toolgate.cli import printing
from toolgate.cli.administration import Described
from toolgate.cli.chosen import administration
from toolgate.cli.options import WAIT, DataOption, JsonOption, WaitOption
from toolgate.cli.server_options import NameArgument
from toolgate.policy.categories import PRECEDENCE, Category, category_of
from toolgate.store.errors import BadInput
from toolgate.store.names import shown


def judge_tools(
    server: NameArgument,
    tool: Annotated[
        list[str] | None,
        typer.Argument(metavar="[TOOL=CATEGORY]...", help=f"One of {', '.join(PRECEDENCE)} for each tool."),
    ] = None,
    reclassify: Annotated[
        bool,
        typer.Option("--reclassify", help="Accept what the present lexicon says, of the tools named or of all."),
    ] = False,
    data: DataOption = None,
    wait: WaitOption = WAIT,
    as_json: JsonOption = False,
) -> None:
    """Say of what category tools are; it counts from the next call on.

    Without a tool this shows how each is judged and by whom, and changes nothing. The column LEXICON says where the
    present lexicon would judge otherwise.
    """
    place = administration(data)
    given = tool or []
    if not given and not reclassify:
        _show(place.judgements(server), server, as_json)
        return
    changed = place.reclassify_tools(server, given) if reclassify else place.judge_tools(server, _read(given))
    if as_json:
        printing.emit_json(changed)
    elif not changed:
        printing.say("every tool was judged so already")
    for one in [] if as_json else changed:
        printing.say(f"{shown(one['name'])} is {one['category']} now, and was {one['before'] or 'not judged'}")
    place.confirm(wait)


def _read(given: Sequence[str]) -> dict[str, Category]:
    """What is said of each tool; a name may hold anything, `=` too."""
    said: dict[str, Category] = {}
    for text in given:
        name, _, word = text.rpartition("=")
        category = category_of(word)
        if not name or category is None:
            cause = f"`{shown(text)}` does not say of what category a tool is"
            raise BadInput(
                "TOOL=CATEGORY", cause, f"write `{shown(name) or 'run'}=` and one of {', '.join(PRECEDENCE)}"
            )
        said[name] = category
    return said


def _show(found: Sequence[Described], server: str, as_json: bool) -> None:
    if as_json:
        printing.emit_json(found)
        return
    rows = [
        (one["name"], one["category"], one["judged_by"], one["lexicon"]["category"] if one["differs"] else "")
        for one in found
    ]
    printing.table(("tool", "category", "judged by", "lexicon"), rows, f"no tools of {shown(server)} are known yet")
