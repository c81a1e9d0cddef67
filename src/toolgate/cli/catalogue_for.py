"""What the catalogue recommends for a server that is registered here: rules for the tools that it really has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from toolgate.catalogue.applying import Applied, apply_entries
from toolgate.catalogue.entries import ToolEntry
from toolgate.cli.chosen import administration
from toolgate.store.errors import NotStored
from toolgate.store.names import shown


def applied_to(registered: str, entries: Sequence[ToolEntry], data: str | None, *, safeguards: bool) -> Applied:
    """The draft for a registered server (name or id). Raises NotStored where it is not, or has told no tools yet."""
    # Of a tool that is withheld on a pinned server only where there is no other.
    versions = sorted(administration(data).tools(registered), key=lambda version: str(version["status"]), reverse=True)
    tools = {version["name"]: version["definition"] for version in versions if version["status"] != "gone"}
    if not tools:
        mend = f"`toolgate server tools {registered} --refresh` asks it again"
        raise NotStored(shown(registered), "the server has told no tools yet", mend)
    return apply_entries(entries, tools.values(), entries[0].server if entries else "", safeguards=safeguards)


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
