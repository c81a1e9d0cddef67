"""Servers as their makers publish them, each with a policy, what it allows and what it refuses."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PACKAGES = ROOT / ".venvs/servers/node_modules/@modelcontextprotocol"
NODE = ROOT / ".venvs/bin/node"


@dataclass(frozen=True)
class Call:
    """A tool with arguments and a part of the text that comes back."""

    tool: str
    arguments: dict[str, Any]
    says: str


@dataclass(frozen=True)
class Real:
    """One server in a folder of its own.

    `shown` are the tools that its policy lists, in its order, `hidden` one that it has and the policy hides; `asks` is
    a tool that asks the client's user something, `tells` one that reports progress.
    """

    name: str
    policy: dict[str, Any]
    shown: list[str]
    allowed: list[Call]
    denied: list[Call]
    hidden: str
    arguments: tuple[str, ...] = ()
    variables: dict[str, str] = field(default_factory=dict)
    asks: Call | None = None
    tells: Call | None = None

    @property
    def command(self) -> list[str]:
        """What starts it over stdio."""
        return [str(NODE), str(PACKAGES / f"server-{self.name}" / "dist/index.js"), *self.arguments]

    @property
    def version(self) -> str:
        """The published version."""
        package = json.loads((PACKAGES / f"server-{self.name}" / "package.json").read_text())
        return str(package["version"])


def everything(folder: Path) -> Real:
    """The server that shows every feature of the protocol."""
    del folder
    small = {"conditions": [{"path": "args.a", "op": "gt", "value": 100}], "on_deny": "Only small numbers."}
    return Real(
        name="everything",
        policy={
            "version": "1",
            "default": "allow",
            "hide": ["get-env"],
            "tools": {"get-sum": {"deny_if": [small]}},
        },
        shown=[
            "echo",
            "get-annotated-message",
            "get-resource-links",
            "get-resource-reference",
            "get-structured-content",
            "get-sum",
            "get-tiny-image",
            "gzip-file-as-resource",
            "toggle-simulated-logging",
            "toggle-subscriber-updates",
            "trigger-long-running-operation",
            "trigger-elicitation-request",
            "trigger-url-elicitation",
            "simulate-research-query",
        ],
        allowed=[
            Call("echo", {"message": "grüße 🦀"}, "Echo: grüße 🦀"),
            Call("get-sum", {"a": 2, "b": 3}, "The sum of 2 and 3 is 5."),
        ],
        denied=[Call("get-sum", {"a": 101, "b": 3}, "Only small numbers.")],
        hidden="get-env",
        asks=Call("trigger-elicitation-request", {}, "Ada"),
        tells=Call("trigger-long-running-operation", {"duration": 0.3, "steps": 3}, "completed"),
    )


def filesystem(folder: Path) -> Real:
    """Files of a folder, under the policy of the examples."""
    project = folder / "project"
    (project / "drafts").mkdir(parents=True)
    (project / "README.md").write_text("read me")
    (project / ".env").write_text("SECRET=1")
    (folder / "outside.txt").write_text("not yours")
    example = (ROOT / "examples/filesystem.json").read_text()
    draft = {"path": f"{project}/drafts/one.md", "content": "a draft"}
    return Real(
        name="filesystem",
        policy=json.loads(example.replace("/srv/project", str(project))),
        shown=["read_text_file", "write_file", "list_directory"],
        allowed=[
            Call("list_directory", {"path": str(project)}, "[FILE] README.md"),
            Call("read_text_file", {"path": f"{project}/README.md"}, "read me"),
            Call("write_file", draft, "Successfully wrote"),
            Call("read_text_file", {"path": f"{project}/drafts/one.md"}, "a draft"),
        ],
        denied=[
            Call("read_text_file", {"path": f"{folder}/outside.txt"}, "Only files of"),
            Call("read_text_file", {"path": f"{project}/.env"}, "Settings with secrets"),
            Call("write_file", {"path": f"{project}/README.md", "content": "x"}, "Only drafts"),
        ],
        hidden="move_file",
        arguments=(str(folder),),
    )


def memory(folder: Path) -> Real:
    """A graph of what an agent was told, which it may add to and not delete from."""
    one = {"name": "Ada", "entityType": "person", "observations": ["writes programs"]}
    few = {"conditions": [{"path": "args.entities", "op": "length_lte", "value": 2}], "on_deny": "Two at a time."}
    return Real(
        name="memory",
        policy={
            "version": "1",
            "default": "deny",
            "hide": ["delete_*"],
            "tools": {"create_entities": {"require": [few]}, "search_nodes": {}, "read_graph": {}},
        },
        shown=["create_entities", "read_graph", "search_nodes"],
        allowed=[
            Call("create_entities", {"entities": [one]}, "Ada"),
            Call("search_nodes", {"query": "programs"}, "Ada"),
            Call("read_graph", {}, "writes programs"),
        ],
        denied=[Call("create_entities", {"entities": [one, one, one]}, "Two at a time.")],
        hidden="delete_entities",
        variables={"MEMORY_FILE_PATH": f"{folder}/memory.jsonl"},
    )


SERVERS = {"everything": everything, "filesystem": filesystem, "memory": memory}
