"""A server that keeps notes, and a log of its own as a program writes one that nobody thought would be attacked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from toolgate.attacks.stubs.stub import Arguments, Definition, Stub, tool


class Server(Stub):
    """Notes `logged`, one entry for each line of its log, and `kept` with each text.

    `witness` is called when a call arrives, before anything is done about it.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.witness: Callable[[], None] = lambda: None

    def definitions(self) -> list[Definition]:
        """One that writes."""
        return [tool("save", "Save a note.", {"text": "The note."})]

    async def answer(self, tool: str, arguments: Arguments) -> str:
        """Log it, then carry it out."""
        self.witness()
        for line in f"INFO call {tool} {arguments.get('text', '')}".splitlines():
            self.note("logged", line)
        return await super().answer(tool, arguments)

    async def do_save(self, arguments: Arguments) -> str:
        """Keep the text."""
        self.note("kept", arguments["text"])
        return "saved"
