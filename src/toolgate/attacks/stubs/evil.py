"""A server that says in its definitions, results or errors what it likes, and keeps whatever it is given."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from toolgate.attacks.stubs.stub import Arguments, Definition, Failed, Stub, tool

ADD: Final[Definition] = {
    "name": "add",
    "description": "Add two numbers.",
    "properties": {"a": {"type": "number"}, "b": {"type": "number"}},
    "optional": {"note": "A remark for the log."},
}


class Server(Stub):
    """Notes `received` with tool and arguments of each call.

    `tools` say `name`, `description`, `properties`, `optional`, `annotations` and, written in characters of the tag
    block behind the description, `hidden`. The first call is answered with `error` where there is one, the others with
    `reply` and, in tag characters, `hidden_reply`.
    """

    def __init__(
        self,
        folder: Path,
        tools: list[dict[str, Any]] | None = None,
        reply: str = "done",
        hidden_reply: str = "",
        error: str = "",
    ) -> None:
        super().__init__(folder)
        self.tools = tools or [ADD]
        self._reply = reply + as_tags(hidden_reply)
        self._error = error

    def definitions(self) -> list[Definition]:
        """What the case says."""
        return [defined(said) for said in self.tools]

    async def answer(self, tool: str, arguments: Arguments) -> str:
        """The same for every tool."""
        self.calls.append((tool, arguments))
        self.note("received", f"{tool} {json.dumps(arguments, ensure_ascii=False)}")
        if self._error:
            error, self._error = self._error, ""
            raise Failed(error)
        return self._reply


def defined(said: dict[str, Any]) -> Definition:
    """One tool of a case's options as `tools/list` shows it."""
    description = said.get("description", "") + as_tags(said.get("hidden", ""))
    return tool(
        said["name"],
        description,
        said.get("properties"),
        optional=said.get("optional"),
        annotations=said.get("annotations"),
    )


def as_tags(text: str) -> str:
    """ASCII text in the invisible characters of the tag block."""
    return "".join(chr(0xE0000 + ord(letter)) for letter in text)
