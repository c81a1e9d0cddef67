"""The lethal trifecta: private data, text of strangers and a way out within one grant.

Judged by the words of tool names and by `openWorldHint`, so it finds likely combinations and proves nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import product
from typing import Literal

from toolgate.policy.definition import Definition
from toolgate.policy.flows import Flow, Some

Leg = Literal["private", "strangers", "outward"]
_LEGS: tuple[Leg, ...] = ("private", "strangers", "outward")
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_READS = frozenset(
    ["read", "get", "list", "search", "query", "find", "fetch", "recall", "show", "view", "download", "export"]
)
_PRIVATE = frozenset(
    [
        "file",
        "files",
        "directory",
        "email",
        "emails",
        "mail",
        "inbox",
        "message",
        "messages",
        "customer",
        "customers",
        "contact",
        "contacts",
        "database",
        "db",
        "sql",
        "repo",
        "repository",
        "document",
        "documents",
        "drive",
        "secret",
        "secrets",
        "note",
        "notes",
        "record",
        "records",
        "ticket",
        "tickets",
        "calendar",
        "user",
        "users",
        "account",
        "accounts",
        "private",
    ]
)
_STRANGERS = frozenset(
    [
        "web",
        "url",
        "http",
        "page",
        "pages",
        "site",
        "browse",
        "browser",
        "scrape",
        "crawl",
        "inbox",
        "email",
        "emails",
        "mail",
        "issue",
        "issues",
        "comment",
        "comments",
        "ticket",
        "tickets",
        "feed",
        "rss",
        "review",
        "reviews",
    ]
)
_SENDS = frozenset(
    ["send", "post", "publish", "upload", "share", "push", "reply", "forward", "tweet", "notify", "invite", "webhook"]
)
_WRITES = frozenset({"create", "add", "open", "submit"})
_PUBLIC = frozenset(["issue", "comment", "request", "pr", "gist", "post", "page", "tweet", "message", "email"])


def find_trifecta(definitions: Iterable[Definition], flows: Sequence[Flow] = ()) -> tuple[str, str, str] | None:
    """One tool for each leg (the same may stand for several), or None where a leg is missing.

    Three that a flow keeps apart, because it denies the last after one of the others or after both, do not count.
    """
    found = [(definition, legs_of(definition)) for definition in definitions if definition.name]
    tools = [_alike([tool for tool, legs in found if leg in legs], flows) for leg in _LEGS]
    return next((_named(three) for three in product(*tools) if not _kept_apart(three, flows)), None)


def legs_of(definition: Definition) -> frozenset[Leg]:
    """The legs that one tool is likely to be."""
    said, closed = _words(definition.name), _is_closed(definition)
    tests: dict[Leg, bool] = {
        "private": bool(said & _READS and said & _PRIVATE),
        "strangers": not closed and _meets_strangers(said),
        "outward": not closed and _goes_out(said),
    }
    return frozenset(leg for leg, is_leg in tests.items() if is_leg)


def _alike(tools: list[Definition], flows: Sequence[Flow]) -> list[Definition]:
    """The first of all tools that every flow treats alike: a server may have thousands."""
    first: dict[tuple[bool, ...], Definition] = {}
    for tool in tools:
        named = [some for flow in flows for some in (flow.after, flow.and_after, flow.deny)]
        first.setdefault(tuple(some.covers(tool.name, tool.category) for some in named), tool)
    return list(first.values())


def _kept_apart(three: tuple[Definition, ...], flows: Sequence[Flow]) -> bool:
    """Whether some flow denies the way out once the others were used, however they are ordered."""
    private, strangers, outward = three
    return any(
        flow.deny.covers(outward.name, outward.category)
        and _begun(flow.after, private, strangers)
        and (not flow.has_two_legs or _begun(flow.and_after, private, strangers))
        for flow in flows
    )


def _begun(some: Some, *used: Definition) -> bool:
    return any(some.covers(tool.name, tool.category) for tool in used)


def _named(three: tuple[Definition, ...]) -> tuple[str, str, str]:
    private, strangers, outward = three
    return private.name, strangers.name, outward.name


def _words(name: str) -> frozenset[str]:
    return frozenset(word.lower() for word in _WORD.findall(name))


def _is_closed(definition: Definition) -> bool:
    annotations = definition.annotations
    return type(annotations) is dict and annotations.get("openWorldHint") is False


def _meets_strangers(said: frozenset[str]) -> bool:
    return bool(said & _STRANGERS and said & _READS) or bool(said & {"browse", "scrape", "crawl"})


def _goes_out(said: frozenset[str]) -> bool:
    return bool(said & _SENDS) or bool(said & _WRITES and said & _PUBLIC)
