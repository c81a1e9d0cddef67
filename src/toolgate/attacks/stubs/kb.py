"""A knowledge base and memory: what one session writes, a later one reads."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from toolgate.attacks.stubs.stub import Arguments, Definition, Stub, tool

RECORDS: Final = {"opening hours": "Nine to five.", "refunds": "Within 30 days."}


class Server(Stub):
    """Notes `searched`, `remembered` with `key: text`, `recalled`.

    `records` are found by a word of their key or text. `busy` is what every search answers instead.
    """

    def __init__(self, folder: Path, records: dict[str, str] | None = None, busy: str = "") -> None:
        super().__init__(folder)
        self._records = {**RECORDS, **(records or {})}
        self._busy = busy

    def definitions(self) -> list[Definition]:
        """Searches, remembers, recalls."""
        read = {"readOnlyHint": True}
        return [
            tool("search", "Search the knowledge base.", {"query": "Words."}, annotations=read),
            tool("remember", "Remember a text under a key.", {"key": "Key.", "text": "Text."}),
            tool("recall", "Recall what was remembered.", {"key": "Key."}, annotations=read),
        ]

    async def do_search(self, arguments: Arguments) -> str:
        """Every record with one of the words."""
        self.note("searched", arguments["query"])
        words = arguments["query"].lower().split()
        found = [text for key, text in self._records.items() if any(word in f"{key} {text}".lower() for word in words)]
        return self._busy or "\n".join(found) or "nothing was found"

    async def do_remember(self, arguments: Arguments) -> str:
        """Keep it, whoever wrote it."""
        self._records[arguments["key"]] = arguments["text"]
        self.note("remembered", f"{arguments['key']}: {arguments['text']}")
        return "remembered"

    async def do_recall(self, arguments: Arguments) -> str:
        """Give it back."""
        self.note("recalled", arguments["key"])
        return self._records.get(arguments["key"], "nothing was remembered")
