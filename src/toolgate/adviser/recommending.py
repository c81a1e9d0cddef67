"""The policy that a server asks for, with what it does and what is left to fill in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from toolgate.adviser.answers import FillIn, RecommendedPolicy
from toolgate.adviser.finding import find
from toolgate.adviser.quoting import document, name, names
from toolgate.catalogue.entries import ToolEntry
from toolgate.catalogue.store import Catalogue
from toolgate.classifier.recommend import is_usable, recommend, recommend_entries
from toolgate.classifier.tightened import Tightened, tighten, tighten_entries
from toolgate.errors import ToolgateError
from toolgate.policy.document import Document

LARGEST: Final = 200_000
"""Characters of a policy in one answer."""
Definitions = Sequence[Mapping[str, Any]]


class NoPolicy(ToolgateError):
    """There is nothing to recommend, or it does not fit into an answer."""


def of_server(
    catalogue: Catalogue, asked: str, only: Sequence[str], organisation: str, *, safeguards: bool
) -> RecommendedPolicy:
    """For tools of the catalogue; `only` names those that are wanted, none means all. Raises NoPolicy."""
    meant = find(catalogue, asked, organisation)
    if meant.server is None:
        raise NoPolicy("server", "is not known, or several are called so", "see what `check_server` says of it")
    tools = _wanted(catalogue.every_tool(meant.server.slug, organisation), only)
    if not tools:
        raise NoPolicy("server", "none of its tools is known", "give its definitions in `tools`")
    policy = tighten_entries(tools, meant.server.name) if safeguards else Tightened(recommend_entries(tools), ())
    return _answer(name(meant.server.name), policy, [tool.name for tool in tools], safeguards)


def _wanted(tools: Sequence[ToolEntry], only: Sequence[str]) -> list[ToolEntry]:
    known = {tool.name for tool in tools}
    if missing := next((each for each in only if each not in known), None):
        raise NoPolicy("only", f"the server has no tool `{name(missing)}`", "see what `search_catalogue` finds")
    return [tool for tool in tools if not only or tool.name in only]


def of_definitions(tools: Definitions, server: str, *, safeguards: bool) -> RecommendedPolicy:
    """For tool objects as `tools/list` answers them. Raises NoPolicy."""
    for place, tool in enumerate(tools):
        if not isinstance(tool.get("name"), str) or not tool["name"]:
            raise NoPolicy(f"tools/{place}", "has no name", "give tool objects as `tools/list` answers them")
    policy = tighten(tools, server) if safeguards else Tightened(recommend(tools, server), ())
    return _answer(name(server), policy, [tool["name"] for tool in tools], safeguards)


def _answer(server: str, policy: Tightened, tools: Sequence[str], safeguards: bool) -> RecommendedPolicy:
    text = document(Document.checked(policy.document).raw)
    if len(text) > LARGEST:
        cause = f"the policy takes {len(text):,} characters, and an answer holds {LARGEST:,}"
        raise NoPolicy("server", cause, "name the tools that are needed in `only`")
    fill_ins = [
        FillIn(pointer=name(each.pointer), what=each.what, example=document(each.example)) for each in policy.fill_ins
    ]
    explanation = list(_explained(policy, tools))
    return RecommendedPolicy(
        server=server, policy=text, safeguards=safeguards, fill_ins=fill_ins, explanation=explanation
    )


def _explained(policy: Tightened, tools: Sequence[str]) -> Iterator[str]:
    entries = policy.document["tools"].values()
    yield "What the policy does not name is denied, tools that the server adds later too."
    if hidden := len(policy.document.get("hide", ())):
        yield f"Hidden and denied: {hidden} that destroy for good."
    if asking := sum(entry.get("action") == "require_approval" for entry in entries):
        yield f"Each call waits for a person: {asking}."
    if limited := sum("limits" in entry for entry in entries):
        yield f"Limited for each grant: {limited}."
    if plain := sum(not entry for entry in entries):
        yield f"Callable without a limit: {plain} that only read."
    if unusable := [tool for tool in tools if not is_usable(tool)]:
        yield f"Left out, and so denied, because no policy can name them: {', '.join(names(unusable, 5))}."
    if policy.fill_ins:
        yield f"{len(policy.fill_ins)} places are to be filled in; until then the calls that they judge are denied."
