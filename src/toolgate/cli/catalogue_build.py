"""`toolgate catalogue build`: the whole catalogue as a web site of files."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit

import typer

from toolgate.cli import printing
from toolgate.cli.catalogue_open import opened
from toolgate.cli.groups import new_command
from toolgate.cli.options import DataOption, examples
from toolgate.cli.progress import progress
from toolgate.site.builder import build as build_site
from toolgate.site.collection import Collection
from toolgate.site.folder import check_replaceable
from toolgate.site.surroundings import Surroundings
from toolgate.store.errors import BadInput
from toolgate.store.names import shown
from toolgate.store.tables import DEFAULT_ORGANISATION

app = new_command()

_FEW: Final = 2000
"""Tools up to which one process is quicker than starting more."""
_MOST_PROCESSES: Final = 8
_PATH: Final = re.compile(r"(/[A-Za-z0-9._~-]+)*")
_MIB: Final = 1024 * 1024

BaseUrlOption = Annotated[
    str, typer.Option("--base-url", metavar="URL", help="Where the site will be: then it has a map for search engines.")
]
BasePathOption = Annotated[
    str,
    typer.Option("--base-path", metavar="PATH", help="The path that it will live under, where that is not the root."),
]
ScansOption = Annotated[
    bool,
    typer.Option("--with-scans", help="Servers that this installation scanned, too: whoever sees the site sees them."),
]
ContactOption = Annotated[
    str, typer.Option("--contact", metavar="URL", help="Where people write to: an https address or mailto:.")
]


@app.command(
    epilog=examples(
        "toolgate catalogue build site",
        "toolgate catalogue build site --base-url https://tools.example \\\n      --contact mailto:tools@example.com",
        "toolgate catalogue build site --base-path /toolgate",
    )
)
def build(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The folder to write: new, empty, or built before.")],
    data: DataOption = None,
    base_url: BaseUrlOption = "",
    base_path: BasePathOption = "",
    with_scans: ScansOption = False,
    contact: ContactOption = "",
) -> None:
    """Write a page and its JSON of every server and tool, lists, and a search that needs no server.

    What stood in the folder is replaced when everything is written. The same catalogue makes the same files.
    """
    here = _surroundings(base_url, base_path, contact)
    check_replaceable(out)
    with opened(data) as catalogue:
        organisation = DEFAULT_ORGANISATION if with_scans else ""
        collection = Collection(catalogue.all_servers(organisation), catalogue.all_tools(organisation))
    processes = 1 if len(collection.brief) < _FEW else min(os.cpu_count() or 1, _MOST_PROCESSES)
    with progress("writing pages") as tell:
        built = build_site(collection, out.absolute(), here, processes=processes, progress=tell)
    printing.say(
        f"built {shown(str(out))}: {built.pages} pages of {built.servers} servers and {built.tools} tools,"
        f" {built.files} files, {built.bytes / _MIB:.0f} MB"
    )
    if not here.origin:
        printing.say("without --base-url it has no sitemap.xml: addresses in a map are whole")


def _surroundings(base_url: str, base_path: str, contact: str) -> Surroundings:
    origin, path = _origin(base_url)
    prefix = _prefix(base_path) or path
    if path and prefix != path:
        raise BadInput("--base-path", f"is not the path of --base-url, `{shown(path)}`", "give one of the two")
    return Surroundings(prefix=prefix, origin=origin, files=True, contact=_contact(contact))


def _origin(url: str) -> tuple[str, str]:
    """Scheme with host, and path without a final slash."""
    if not url:
        return "", ""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable or not _is_plain(url) or {"@", "?", "#"} & set(url):
        raise BadInput("--base-url", f"`{shown(url)}` is not an http or https URL", "write it as https://tools.example")
    return f"{parts.scheme}://{parts.netloc}", _prefix(parts.path)


def _prefix(path: str) -> str:
    prefix = path.rstrip("/")
    parts = prefix.split("/")
    if not _PATH.fullmatch(prefix) or "." in parts or ".." in parts:
        raise BadInput("--base-path", f"`{shown(path)}` is not a plain path", "write it as /toolgate")
    return prefix


def _contact(url: str) -> str:
    mail = url.startswith("mailto:") and "@" in url
    if url and (not _is_plain(url) or not (mail or (url.startswith("https://") and urlsplit(url).hostname))):
        raise BadInput("--contact", f"`{shown(url)}` leads nowhere", "write https://... or mailto:somebody@example.com")
    return url


def _is_plain(text: str) -> bool:
    return text.isascii() and text.isprintable() and not {" ", '"', "<", ">", "\\", "`"} & set(text)
