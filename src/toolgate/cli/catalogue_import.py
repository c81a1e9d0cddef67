"""`toolgate catalogue import`: definitions of a file, or what a registry says of servers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import typer

from toolgate.catalogue.identity import facts_of
from toolgate.catalogue.lines import Lines, read_lines
from toolgate.catalogue.registry import MOST_PAGE, Page, pages, saved
from toolgate.catalogue.store import Catalogue
from toolgate.cli import exits, printing
from toolgate.cli.catalogue_open import opened
from toolgate.cli.files import read_bytes
from toolgate.cli.groups import new_command
from toolgate.cli.options import DataOption, JsonOption, examples
from toolgate.cli.progress import progress
from toolgate.store.errors import BadInput, Conflict
from toolgate.store.names import escaped, shown
from toolgate.store.tables import DEFAULT_ORGANISATION
from toolgate.upstream.outbound import OutboundError, fetch

app = new_command()

_TOGETHER = 100
"""Servers that are stored in one transaction."""
_COMPLAINTS = 50
"""Problems that are printed; --json has all."""
_MOST_SAVED = 512 * 1024 * 1024
_TIMEOUT = 30.0


@dataclass(slots=True)
class Imported:
    """What an import did: numbers, and everything that was not stored, with its place."""

    servers: int = 0
    tools: int = 0
    added: int = 0
    changed: int = 0
    removed: int = 0
    problems: list[str] = field(default_factory=list)


@app.command(
    "import",
    epilog=examples(
        "toolgate catalogue import mcp_tools.jsonl.gz",
        "toolgate catalogue import --registry https://registry.example",
        "toolgate catalogue import --registry answer.json --json",
    ),
)
def import_(
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="JSON lines with `server`, `name`, ...; may be gzip.")
    ] = None,
    registry: Annotated[
        str | None, typer.Option("--registry", metavar="URL_OR_FILE", help="An MCP registry, or its saved answer.")
    ] = None,
    source: Annotated[
        Literal["import", "scan"],
        typer.Option("--source", help="scan: as if scanned here, so for your organisation alone."),
    ] = "import",
    allow_private: Annotated[
        bool, typer.Option("--allow-private", help="The registry may be at an address of a private network.")
    ] = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Store the tools of servers as a file lists them, or what a registry says of servers.

    The tools of each server that is named become what is listed. What cannot be stored is named, the rest is stored,
    and the command leaves with 1. A registry tells no tools: those that are known stay.
    """
    if (file is None) == (registry is None):
        raise BadInput("FILE", "give either a file or --registry", "`toolgate catalogue import --help` shows both")
    with opened(data) as catalogue:
        if file is not None:
            done = _import_lines(catalogue, file, read_lines(file), source)
        else:
            done = _asked(catalogue, registry or "", allow_private=allow_private)
    _report(done, as_json=as_json)


def _import_lines(catalogue: Catalogue, file: Path, lines: Lines, source: Literal["import", "scan"]) -> Imported:
    place = escaped(str(file))
    done = Imported(problems=[f"{place}: line {number}: {cause}" for number, cause in lines.bad])
    organisation = DEFAULT_ORGANISATION if source == "scan" else ""
    names, now = list(lines.servers), time.time()
    with progress("importing servers") as tell:
        for start in range(0, len(names), _TOGETHER):
            with catalogue.together():
                for name in names[start : start + _TOGETHER]:
                    _put(catalogue, done, name, lines, source, now, organisation)
            tell(start, len(names))
    return done


def _put(
    catalogue: Catalogue,
    done: Imported,
    name: str,
    lines: Lines,
    source: Literal["import", "scan"],
    now: float,
    organisation: str,
) -> None:
    try:
        drift = catalogue.put(facts_of(name), lines.servers[name], source=source, now=now, organisation=organisation)
    except (BadInput, Conflict) as error:
        done.problems.append(f"{error.place}: {error.cause}")
        return
    done.servers += 1
    done.tools += len(drift.added) + len(drift.changed) + len(drift.same)
    done.added += len(drift.added)
    done.changed += len(drift.changed)
    done.removed += len(drift.removed)
    done.problems += [f"{shown(name)}: tool `{shown(each.name)}`: {each.cause}" for each in drift.refused]


def _asked(catalogue: Catalogue, registry: str, *, allow_private: bool) -> Imported:
    """What a registry answers; where it stops answering, what came before is stored, and the command ends."""
    try:
        return asyncio.run(_import_registry(catalogue, registry, allow_private=allow_private))
    except OutboundError as error:
        printing.complain(f"error: {error.place}: {error.cause}", error.mend)
        raise typer.Exit(exits.UNREACHED) from None


async def _import_registry(catalogue: Catalogue, registry: str, *, allow_private: bool) -> Imported:
    done = Imported()
    with progress("importing pages of the registry, servers") as tell:
        async for number, page in _numbered(_pages(registry, allow_private=allow_private)):
            done.problems += [f"page {number}: entry {entry}: {cause}" for entry, cause in page.bad]
            with catalogue.together():
                _describe(catalogue, done, page)
            tell(done.servers, done.servers)
    return done


async def _numbered(found: AsyncIterator[Page]) -> AsyncIterator[tuple[int, Page]]:
    number = 0
    async for page in found:
        number += 1
        yield number, page


async def _pages(registry: str, *, allow_private: bool) -> AsyncIterator[Page]:
    if not registry.startswith(("https://", "http://")):
        for page in saved(read_bytes(Path(registry), _MOST_SAVED, "save it in parts"), shown(registry)):
            yield page
        return

    async def ask(url: str) -> bytes:
        answer = await fetch(
            "GET",
            url,
            {"accept": "application/json"},
            allow_private=allow_private,
            allow_loopback=True,
            timeout=_TIMEOUT,
            limit=MOST_PAGE,
        )
        if answer.status != 200:
            raise OutboundError(shown(registry), f"answered with status {answer.status}", "try again later")
        return answer.body

    async for page in pages(registry, ask):
        yield page


def _describe(catalogue: Catalogue, done: Imported, page: Page) -> None:
    for server in page.servers:
        try:
            catalogue.describe(server, now=time.time())
        except (BadInput, Conflict) as error:
            done.problems.append(f"{error.place}: {error.cause}")
        else:
            done.servers += 1


def _report(done: Imported, *, as_json: bool) -> None:
    if as_json:
        printing.emit_json(asdict(done))
    else:
        _complain(done.problems)
        printing.say(
            f"stored {done.tools} tools of {done.servers} servers:"
            f" {done.added} added, {done.changed} changed, {done.removed} removed"
        )
    if done.problems:
        raise typer.Exit(exits.FINDINGS if done.servers else exits.BAD_INPUT)


def _complain(problems: Iterable[str]) -> None:
    listed = list(problems)
    for problem in listed[:_COMPLAINTS]:
        printing.complain(f"error: {problem}")
    if len(listed) > _COMPLAINTS:
        printing.complain(f"and {len(listed) - _COMPLAINTS} more, which --json lists")
