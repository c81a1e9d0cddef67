"""What the tour plays: the server, its policy and the calls. With cargo on the machine the Cargo server, else files."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from toolgate.demo.crate import write_crate

Json = dict[str, Any]


@dataclass(frozen=True)
class Play:
    """One server with the calls that show its policy at work."""

    server: str
    module: str
    prepare: Callable[[Path], object]
    tool: str
    allowed: Json
    refused: Json
    misspelt: Json
    hidden: str
    hidden_arguments: Json
    policy: Json


CALLS = {"counter": "calls", "window": "minute", "max": 60, "scope": "grant"}

CARGO = Play(
    server="cargo",
    module="toolgate.demo.cargo",
    prepare=lambda folder: write_crate(folder / "hello"),
    tool="run",
    allowed={"path": "hello", "args": ["reader of this page"], "compact": True},
    refused={"path": "hello", "release": True},
    misspelt={"path": "hello", "Release": True},
    hidden="remove",
    hidden_arguments={"path": "hello", "dependency": "greetings"},
    policy={
        "version": "1",
        "default": "deny",
        "hide": ["remove"],
        "all_tools": {"limits": [CALLS]},
        "tools": {
            "build": {},
            "check": {},
            "test": {},
            "tree": {},
            "add": {"action": "deny", "reason": "Dependencies are added by people."},
            "run": {
                "require": [
                    {
                        "conditions": [{"path": "args.path", "op": "eq", "value": "hello"}],
                        "on_deny": "Only the crate hello may be run.",
                    }
                ],
                "deny_if": [
                    {
                        "conditions": [
                            {"path": "args.release", "op": "exists", "value": True},
                            {"path": "args.release", "op": "eq", "value": True},
                        ],
                        "on_deny": "Release builds are made by the pipeline.",
                    }
                ],
            },
        },
    },
)


def _write_notes(folder: Path) -> None:
    (folder / "notes.txt").write_text("Hello, reader of this page!\n")
    (folder / "secrets.txt").write_text("the launch code is 0000\n")


FILES = Play(
    server="files",
    module="toolgate.demo.files",
    prepare=_write_notes,
    tool="read_file",
    allowed={"path": "notes.txt"},
    refused={"path": "secrets.txt"},
    misspelt={"file": "notes.txt"},
    hidden="delete_file",
    hidden_arguments={"path": "notes.txt"},
    policy={
        "version": "1",
        "default": "deny",
        "hide": ["delete_file"],
        "all_tools": {"limits": [CALLS]},
        "tools": {
            "list_files": {},
            "write_file": {"action": "deny", "reason": "Files are written by people."},
            "read_file": {
                "deny_if": [
                    {
                        "conditions": [{"path": "args.path", "op": "contains", "value": "secret"}],
                        "on_deny": "Secrets are not for agents.",
                    }
                ]
            },
        },
    },
)


def choose() -> Play:
    """The Cargo server where this machine has cargo, else the files server."""
    return CARGO if shutil.which("cargo") else FILES


def per_minute(play: Play) -> Json:
    """At most ten calls of one tool in a calendar minute; every other tool is refused."""
    limit = {"counter": "run_rate", "window": "minute", "max": 10, "scope": "grant"}
    return {"version": "1", "default": "deny", "tools": {play.tool: {"limits": [limit]}}}


def per_sixty_seconds(play: Play) -> Json:
    """At most ten calls of one tool in any sixty seconds; every other tool is open."""
    return {"version": "1", "default": "allow", "tools": {play.tool: {"rate_limit": {"max": 10, "window": 60}}}}


def with_a_reason(play: Play) -> Json:
    """One tool is off, and the agent reads why."""
    rules = {play.tool: {"action": "deny", "reason": "no builds today"}}
    return {"version": "1", "default": "allow", "tools": rules}


def agreed_by_a_person(play: Play) -> Json:
    """Every call of one tool waits until a person agrees."""
    rules = {play.tool: {"action": "require_approval", "reason": "A person agrees to each of these."}}
    return {"version": "1", "default": "allow", "tools": rules}


def everything_hidden(play: Play) -> Json:
    """Nothing is listed, so nothing is callable; one tool is hidden by name as well."""
    return {"version": "1", "default": "deny", "hide": [play.hidden]}


def needs_a_person(play: Play) -> Json:
    """A rule without conditions always holds."""
    rule = {"conditions": [], "on_deny": "Requires human approval."}
    return {"version": "1", "default": "allow", "tools": {play.tool: {"deny_if": [rule]}}}
