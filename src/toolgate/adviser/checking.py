"""What is known of a server and of a tool, put so that an agent can go by it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from toolgate.adviser.answers import Attack, Change, CheckedServer, CheckedTool, Hazard, Tool
from toolgate.adviser.finding import Meant, find
from toolgate.adviser.quoting import document, evidence, name, names
from toolgate.attacks.abuse import BESIDE, shipped
from toolgate.catalogue.entries import ServerEntry, ToolEntry, Version
from toolgate.catalogue.slugs import slug
from toolgate.catalogue.store import Catalogue
from toolgate.classifier.classify import PRECEDENCE, Category, Classification
from toolgate.classifier.hazards.definition import hazards
from toolgate.classifier.recommend import recommend_entries
from toolgate.store.legible import legible

MOST: Final = 20
"""Tools, hazards and changes that one answer names."""
_PARAMETERS: Final = 60
MEANS: Final[dict[Category, str]] = {
    "Read": "It retrieves and changes nothing: what matters is what it may read, and who may have written that.",
    "Write": "It creates or modifies what can be undone: limit how often.",
    "Execute": "It starts what its arguments say: limit how often, and what they may be.",
    "Destructive": "It deletes or overwrites for good: hide it unless somebody needs it.",
    "Financial": "It moves or commits money: let a person approve each call.",
}


def check_server(catalogue: Catalogue, asked: str, organisation: str) -> CheckedServer:
    """Everything of a server that fits into one answer."""
    meant = find(catalogue, asked, organisation)
    if meant.server is None:
        return _unknown(meant)
    server = meant.server
    tools = sorted(catalogue.every_tool(server.slug, organisation), key=_risk, reverse=True)
    found = [each for tool in tools for each in _hazards(tool)]
    return CheckedServer(
        known=True,
        advice=list(_advice(server, tools, len(found))),
        server=name(server.name),
        fitting=names((other.name for other in meant.others), MOST),
        source=server.source,
        version=name(server.version),
        repository=name(server.repository),
        package=name(server.package),
        url=name(server.url),
        risk=server.risk,
        tools=server.tools,
        counts={category: server.counts[category] for category in PRECEDENCE},
        context_tokens=server.tokens,
        riskiest=[line(tool) for tool in tools[:MOST]],
        scanned=any(tool.definition is not None for tool in tools),
        hazards=found[:MOST],
        hazards_in_all=len(found),
        changes=_changes(catalogue, tools, organisation)[:MOST],
    )


def _unknown(meant: Meant) -> CheckedServer:
    called = names((other.name for other in meant.others), MOST)
    advice = "Nothing is known of it. Scan it with `toolgate scan` before you connect."
    if called:
        advice = "No server fits alone. Ask again with the whole name of the one you mean, or scan it."
    return CheckedServer(known=False, advice=[advice], fitting=called)


def _risk(tool: ToolEntry) -> tuple[int, int]:
    return PRECEDENCE.index(tool.category), len(tool.signals)


def line(tool: ToolEntry) -> Tool:
    """A tool in a list."""
    return Tool(
        server=name(tool.server), tool=name(tool.name), category=tool.category, risk=tool.risk, signals=_signals(tool)
    )


def _signals(tool: ToolEntry) -> list[str]:
    return [
        signal.text.replace(signal.parameter, name(signal.parameter)) if signal.parameter else signal.text
        for signal in tool.signals[:MOST]
    ]


def _hazards(tool: ToolEntry) -> list[Hazard]:
    """Those of a definition that is known, without what they quote."""
    if tool.definition is None:
        return []
    judged = Classification(tool.category, tool.risk, tool.confidence, tool.evidence, tool.signals)
    return [
        Hazard(tool=name(tool.name), rule=each.rule, place=name(each.place), detail=evidence([each.detail])[0])
        for each in hazards(tool.definition, judged)
    ]


def _advice(server: ServerEntry, tools: Sequence[ToolEntry], hazards_found: int) -> Iterator[str]:
    if not tools:
        yield "Its tools are not known. Scan it with `toolgate scan` before you connect."
    for category in reversed(PRECEDENCE):
        if server.counts[category]:
            count = server.counts[category]
            yield f"{count} {'tool' if count == 1 else 'tools'} of category {category}. {MEANS[category]}"
    if hazards_found:
        yield "Its definitions hold what a person should look at first: see `hazards`."
    if tools and all(tool.definition is None for tool in tools):
        yield "This rests on published facts. The server may have changed since: scan it with `toolgate scan`."
    if tools:
        yield "`recommend_policy` gives a policy for it."


def _changes(catalogue: Catalogue, tools: Iterable[ToolEntry], organisation: str) -> list[Change]:
    found = [
        (version.first_seen, _change(tool, version))
        for tool in tools
        if tool.definition is not None
        for version in catalogue.history(tool.server_slug, tool.slug, organisation)
        if version.changed
    ]
    return [change for _, change in sorted(found, key=lambda each: each[0], reverse=True)]


def _change(tool: ToolEntry, version: Version) -> Change:
    seen = datetime.fromtimestamp(version.first_seen, UTC).isoformat(timespec="seconds")
    return Change(tool=name(tool.name), changed=[legible(each)[:200] for each in version.changed], seen=seen)


def check_tool(catalogue: Catalogue, asked: str, tool: str, organisation: str) -> CheckedTool:
    """Everything of one tool of a server."""
    meant = find(catalogue, asked, organisation)
    if meant.server is None:
        return CheckedTool(known=False, server=name(asked), tool=name(tool))
    found = catalogue.tool(meant.server.slug, slug(tool), organisation)
    if found is None or found.name != tool:
        alike = catalogue.tools(sought=tool, server=meant.server.slug, organisation=organisation, limit=MOST).items
        called = names((each.name for each in alike), MOST)
        return CheckedTool(known=False, server=name(meant.server.name), tool=name(tool), alike=called)
    return CheckedTool(
        known=True,
        server=name(found.server),
        tool=name(found.name),
        category=found.category,
        risk=found.risk,
        confidence=found.confidence,
        means=MEANS[found.category],
        evidence=evidence(found.evidence),
        signals=_signals(found),
        parameters=names(found.parameters, _PARAMETERS),
        hazards=_hazards(found)[:MOST],
        changes=_changes(catalogue, [found], organisation)[:MOST],
        attacks=_attacks(found),
        policy=document(recommend_entries([found])),
    )


def _attacks(tool: ToolEntry) -> list[Attack]:
    cases = shipped().of(tool.category, (signal.id for signal in tool.signals))
    return [Attack(slug=case.slug, title=case.title, verdict=case.verdict) for case in cases[:BESIDE]]
