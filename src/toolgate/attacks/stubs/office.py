"""A server with forty tools, of which any one agent needs a few: what vendors ship."""

from __future__ import annotations

from typing import Final

from toolgate.attacks.stubs.stub import Arguments, Definition, Failed, Stub, tool

_VERBS: Final = ("list", "read", "create", "update", "delete")
_THINGS: Final = ("calendars", "meetings", "rooms", "documents", "users", "roles", "invoices", "exports")


class Server(Stub):
    """Notes `done` with the name of each tool that was called."""

    def definitions(self) -> list[Definition]:
        """Five verbs for each of eight things."""
        return [tool(f"{verb}_{thing}", f"{verb.title()} {thing}.") for thing in _THINGS for verb in _VERBS]

    async def answer(self, tool: str, arguments: Arguments) -> str:
        """Carry out any of them. Raises Failed."""
        self.calls.append((tool, arguments))
        if not any(tool == own["name"] for own in self.definitions()):
            raise Failed(f"there is no tool {tool}")
        self.note("done", tool)
        return f"{tool}: done"
