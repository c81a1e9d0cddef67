"""What the catalogue recommends for a server that is registered here: rules for the tools that it really has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from toolgate.catalogue.applying import Applied, apply_entries
from toolgate.catalogue.entries import ToolEntry
from toolgate.cli.registered import told_tools
from toolgate.store.names import shown


def applied_to(registered: str, entries: Sequence[ToolEntry], data: str | None, *, safeguards: bool) -> Applied:
    """The draft for a registered server (name or id). Raises NotStored where it is not, or has told no tools yet."""
    tools = [version["definition"] for version in told_tools(registered, data)]
    return apply_entries(entries, tools, entries[0].server if entries else "", safeguards=safeguards)


def remarks(applied: Applied) -> Iterator[str]:
    """What to say beside the draft, names escaped."""
    said = (
        (applied.different, "with other parameters than in the catalogue"),
        (applied.extra, "not in the catalogue, judged by their definitions"),
        (applied.missing, "in the catalogue, and the server does not have them"),
    )
    for names, words in said:
        if names:
            more = f" and {len(names) - 10} more" if len(names) > 10 else ""
            yield f"{words}: {', '.join(map(shown, names[:10]))}{more}"
