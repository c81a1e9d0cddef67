"""The catalogue as commands open it, and how they name what is in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Annotated

import typer

from toolgate.catalogue.entries import ServerEntry, ToolEntry
from toolgate.catalogue.slugs import slug
from toolgate.catalogue.store import Catalogue, open_catalogue
from toolgate.cli.places import data_directory
from toolgate.cli.progress import progress
from toolgate.store.directory import prepare_directory
from toolgate.store.errors import NotStored
from toolgate.store.names import shown
from toolgate.store.tables import DEFAULT_ORGANISATION

ServerArgument = Annotated[str, typer.Argument(metavar="SERVER", help="Name or slug of the server.")]


@contextmanager
def opened(data: str | None) -> Iterator[Catalogue]:
    """The catalogue of the data directory, which is made where it is missing. Raises ToolgateError."""
    place = data_directory(data)
    prepare_directory(place)
    with ExitStack() as stack:
        with progress("loading the catalogue that comes in the box, servers") as tell:
            catalogue = stack.enter_context(open_catalogue(place, progress=tell))
        yield catalogue


def server_of(catalogue: Catalogue, reference: str) -> ServerEntry:
    """A server by its name or slug. Raises NotStored, which names those that are alike."""
    found = catalogue.server(reference, DEFAULT_ORGANISATION) or catalogue.server(slug(reference), DEFAULT_ORGANISATION)
    if found is None:
        alike = catalogue.servers(sought=reference, organisation=DEFAULT_ORGANISATION, limit=3).items
        names = ", ".join(f"`{shown(each.name)}`" for each in alike)
        mend = f"perhaps one of {names}" if alike else "`toolgate catalogue search WORDS` finds servers by their tools"
        raise NotStored("catalogue", f"there is no server `{shown(reference)}`", mend)
    return found


def tool_of(catalogue: Catalogue, server: ServerEntry, reference: str) -> ToolEntry:
    """A tool of a server by its name or slug. Raises NotStored."""
    for part in (slug(reference), reference):
        found = catalogue.tool(server.slug, part, DEFAULT_ORGANISATION)
        if found is not None:
            return found
    mend = f"`toolgate catalogue show {server.slug}` lists its tools"
    raise NotStored(shown(server.name), f"there is no tool `{shown(reference)}`", mend)
