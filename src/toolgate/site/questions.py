"""Six questions that people ask of a tool, answered in the grammar of this product."""

from __future__ import annotations

from typing import Any

from toolgate.catalogue.entries import ServerEntry, ToolEntry
from toolgate.design.filters import cut
from toolgate.site.addressed import origin_of
from toolgate.site.told import CATEGORIES, RISKS

_QUOTED = 300


def questions(tool: ToolEntry, server: ServerEntry) -> list[dict[str, Any]]:
    """Each with its `question`, the paragraphs of its `answer`, and the `policy` that shows it, or None."""
    name = f"`{tool.name}`"
    return [
        _answered(f"What does {name} do?", _what(tool)),
        _answered(
            f"How do I enforce a policy on {name}?",
            [
                "Put the server behind the gateway: register it, store the recommended policy, and give the agent a "
                "grant of both. The agent connects to the gateway instead of the server; nothing is installed on its "
                "side, and every call is judged before the server sees it.",
                "A server that a client starts as a command is wrapped: `toolgate run -c policy.json -- COMMAND`.",
            ],
        ),
        _answered(f"What risk level is {name}?", _risk(tool)),
        _answered(
            f"Can I rate limit {name}?",
            ["Yes: by calls, or by what an argument adds up to, in a window of time. This allows five calls a minute."],
            {"version": "1", "default": "deny", "tools": {tool.name: {"rate_limit": "5/minute"}}},
        ),
        _answered(
            f"How do I block {name}?",
            [
                "Hide it: the agent does not see it in the list of tools, and a call of it is refused as if it did not "
                'exist. With `"action": "deny"` it stays in the list and is refused with your reason.',
            ],
            {"version": "1", "default": "allow", "hide": [tool.name]},
        ),
        _answered(f"Which server provides {name}, and from which package?", _provided(server)),
    ]


def _answered(question: str, answer: list[str], policy: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"question": question, "answer": answer, "policy": policy}


def _what(tool: ToolEntry) -> list[str]:
    told = [CATEGORIES[tool.category].means]
    if tool.description:
        told.append(f"Its author says: {cut(tool.description.replace('`', ''), _QUOTED)}")
    return told


def _risk(tool: ToolEntry) -> list[str]:
    told = [f"{tool.risk}. {RISKS[tool.risk]} Its category is {tool.category}, told with {tool.confidence} confidence."]
    if tool.signals:
        told.append("Look closer because of this: " + "; ".join(signal.text for signal in tool.signals) + ".")
    return told


def _provided(server: ServerEntry) -> list[str]:
    said = origin_of(server)
    first = f"The server `{server.name}`" + (f", called {server.title}." if server.title else ".")
    if "package" in said:
        return [first, f"Its package is `{said['package']}`."]
    if said:
        return [
            first,
            "It names no package; it is found at " + " and ".join(f"`{value}`" for value in said.values()) + ".",
        ]
    return [first, "What the catalogue knows of it names no package."]
