"""`toolgate catalogue`: what is known of servers and their tools."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar

import msgspec
import typer

from toolgate.catalogue.entries import ServerEntry, ToolEntry
from toolgate.catalogue.slugs import slug
from toolgate.classifier.recommend import recommend_entries
from toolgate.classifier.tightened import Tightened, tighten_entries
from toolgate.cli import printing
from toolgate.cli.catalogue_for import applied_to, remarks
from toolgate.cli.catalogue_open import ServerArgument, opened, server_of, tool_of
from toolgate.cli.groups import MixedGroup, new_group
from toolgate.cli.options import DataOption, JsonOption, examples
from toolgate.policy.categories import Category, Risk
from toolgate.store.names import shown
from toolgate.store.tables import DEFAULT_ORGANISATION


class CatalogueGroup(MixedGroup):
    """`toolgate catalogue`: reading is here, what needs more is loaded when it is used."""

    modules: ClassVar[Mapping[str, tuple[str, str]]] = {
        "import": ("toolgate.cli.catalogue_import", "Store definitions of a file, or servers of a registry."),
        "build": ("toolgate.cli.catalogue_build", "Write the whole catalogue as a web site of files."),
        "serve-mcp": ("toolgate.cli.catalogue_mcp", "Answer agents over MCP."),
        "pack": ("toolgate.cli.catalogue_pack", "Make the file of facts that is shipped in the package."),
    }


app = new_group("Look tools up: what they do, how risky they are, which policy they ask for.", CatalogueGroup)


@app.command(
    epilog=examples(
        "toolgate catalogue search stripe refund",
        "toolgate catalogue search --category Destructive --signal path --json",
    )
)
def search(
    words: Annotated[
        list[str] | None, typer.Argument(metavar="WORDS", help="Of names and descriptions; may be misspelt.")
    ] = None,
    category: Annotated[Category | None, typer.Option("--category", help="What the tool does.")] = None,
    risk: Annotated[Risk | None, typer.Option("--risk", help="How much harm it can do.")] = None,
    signal: Annotated[
        str | None, typer.Option("--signal", metavar="ID", help="Why to look closer: path, url, code, secret, ...")
    ] = None,
    server: Annotated[str | None, typer.Option("--server", metavar="SERVER", help="Only tools of this one.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, metavar="N", help="How many at most.")] = 25,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find tools, those that fit the words best first."""
    with opened(data) as catalogue:
        found = catalogue.tools(
            sought=" ".join(words or ()),
            server=None if server is None else server_of(catalogue, server).slug,
            category=category,
            risk=risk,
            signal=signal,
            organisation=DEFAULT_ORGANISATION,
            limit=limit,
        )
    if as_json:
        printing.emit_json({"total": found.total, "items": [tool_facts(tool) for tool in found.items]})
        return
    _tools(found.items, "nothing found", servers=True)
    if found.total > len(found.items):
        printing.complain(f"{len(found.items)} of {found.total}: --limit shows more")


@app.command(epilog=examples("toolgate catalogue show github/github-mcp-server", "toolgate catalogue show cargo run"))
def show(
    server: ServerArgument,
    tool: Annotated[str | None, typer.Argument(metavar="TOOL", help="Name or slug of one of its tools.")] = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print what is known of a server and its tools, or of one tool."""
    with opened(data) as catalogue:
        found = server_of(catalogue, server)
        one = None if tool is None else tool_of(catalogue, found, tool)
        tools = [] if one else catalogue.every_tool(found.slug, DEFAULT_ORGANISATION)
    if one is not None:
        _show_tool(one, as_json=as_json)
    elif as_json:
        printing.emit_json({**msgspec.to_builtins(found), "items": [tool_facts(each) for each in tools]})
    else:
        printing.fields(_server_fields(found))
        _tools(tools, "none of its tools is known", servers=False)


@app.command(epilog=examples("toolgate catalogue history cargo run", "toolgate catalogue history cargo run --json"))
def history(
    server: ServerArgument,
    tool: Annotated[str, typer.Argument(metavar="TOOL", help="Name or slug of the tool.")],
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the definitions that a tool had, the newest first, with what changed."""
    with opened(data) as catalogue:
        found = server_of(catalogue, server)
        versions = next(
            filter(None, (catalogue.history(found.slug, each, DEFAULT_ORGANISATION) for each in (slug(tool), tool))), []
        )
    if as_json:
        printing.emit_json([msgspec.to_builtins(version) for version in versions])
        return
    rows = [
        (printing.when(it.first_seen), printing.when(it.last_seen), it.category, it.fingerprint[:12], _changed(it))
        for it in versions
    ]
    printing.table(("since", "until", "category", "fingerprint", "changed"), rows, "none of its definitions is known")


@app.command(
    epilog=examples(
        "toolgate catalogue recommend github/github-mcp-server > policy.json",
        "toolgate catalogue recommend stripe/agent-toolkit --tightened",
        "toolgate catalogue recommend stripe/agent-toolkit --for payments",
    )
)
def recommend(
    server: ServerArgument,
    registered: Annotated[
        str | None, typer.Option("--for", metavar="SERVER", help="Rules for the tools that this server of yours has.")
    ] = None,
    tightened: Annotated[
        bool, typer.Option("--tightened", help="Add limits on arguments; what is to fill in is named on stderr.")
    ] = False,
    data: DataOption = None,
) -> None:
    """Print the policy that a server's tools ask for: what it does not name is denied."""
    with opened(data) as catalogue:
        found = server_of(catalogue, server)
        tools = catalogue.every_tool(found.slug, DEFAULT_ORGANISATION)
    if registered is not None:
        applied = applied_to(registered, tools, data, safeguards=tightened)
        policy = Tightened(applied.document, applied.fill_ins)
        for remark in remarks(applied):
            printing.complain(remark)
    else:
        policy = tighten_entries(tools, found.name) if tightened else Tightened(recommend_entries(tools), ())
    printing.document(policy.text)
    for blank in policy.fill_ins:
        printing.complain(f"to fill in: {shown(blank.pointer)}: {blank.what}, for example {blank.example}")


def tool_facts(tool: ToolEntry) -> dict[str, Any]:
    """A tool as JSON has it, signals as their texts."""
    facts: dict[str, Any] = msgspec.to_builtins(tool)
    return {**facts, "signals": [signal.text for signal in tool.signals]}


def _tools(tools: Sequence[ToolEntry], empty: str, *, servers: bool) -> None:
    head = ("server", "tool", "category", "risk", "signals")
    rows = [
        (shown(it.server), shown(it.name), it.category, it.risk, "; ".join(shown(each.text) for each in it.signals))
        for it in tools
    ]
    start = 0 if servers else 1
    printing.table(head[start:], [row[start:] for row in rows], empty)


def _show_tool(tool: ToolEntry, *, as_json: bool) -> None:
    if as_json:
        printing.emit_json(tool_facts(tool))
        return
    printing.fields(
        {
            "tool": tool.name,
            "server": tool.server,
            "category": f"{tool.category}, {tool.confidence} confidence",
            "risk": tool.risk,
            "why": "; ".join(tool.evidence),
            "signals": "; ".join(signal.text for signal in tool.signals),
            "parameters": ", ".join(tool.parameters),
            "description": shown(tool.description),
        }
    )


def _server_fields(server: ServerEntry) -> dict[str, object]:
    counts = ", ".join(f"{number} {category}" for category, number in server.counts.items() if number)
    fields = {
        "server": server.name,
        "slug": server.slug,
        "from": server.source,
        "title": shown(server.title),
        "about": shown(server.about),
        "version": server.version,
        "repository": server.repository,
        "package": server.package,
        "url": server.url,
        "tokens": server.tokens,
        "tools": f"{server.tools}: {counts}" if server.tools else "none known",
        "risk": server.risk,
    }
    return {name: value for name, value in fields.items() if value not in (None, "")}


def _changed(version: Any) -> str:
    words = "; ".join(version.changed)
    return f"{words}; gone since {printing.when(version.gone)}" if version.gone is not None else words
