"""A service for many tenants that is called with one shared credential, so it cannot tell who is asking."""

from __future__ import annotations

from pathlib import Path

from toolgate.attacks.stubs.stub import Arguments, Definition, Failed, Stub, tool

RECORDS = {"acme": "canary-acme-19b7", "globex": "canary-globex-c3e2", "initech": "canary-initech-70fd"}
"""Tenants, and the invented secret in the record of each."""


class Server(Stub):
    """Notes `served` with the tenant and `leaked` with what was read.

    With `cached` it answers the second question for a record from memory, whichever tenant that asks for, and notes
    as `mixed` which tenant was shown another's.
    """

    def __init__(self, folder: Path, *, cached: bool = False) -> None:
        super().__init__(folder)
        self._cached = cached
        self._memory: dict[str, str] = {}

    def definitions(self) -> list[Definition]:
        """One reading, for a tenant that the caller names."""
        asked = {"tenant": "The tenant.", "record": "Name of the record."}
        return [tool("read_record", "Read a record of a tenant.", asked, annotations={"readOnlyHint": True})]

    async def do_read_record(self, arguments: Arguments) -> str:
        """The record of that tenant."""
        tenant, record = arguments["tenant"], arguments["record"]
        content = self._memory.get(record, "") if self._cached else ""
        content = content or RECORDS.get(tenant, "")
        if not content:
            raise Failed("there is no such tenant")
        self._memory[record] = content
        self.note("served", tenant)
        self.note("leaked", content)
        if content != RECORDS.get(tenant):
            self.note("mixed", f"{tenant} was shown {content}")
        return content
