"""A server that only listens: it keeps every body as it came, and answers each with the same empty result."""

from __future__ import annotations

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from toolgate.attacks.stubs.stub import Definition, Stub, tool


class Server(Stub):
    """Notes `body`, each byte as the character of that number."""

    def definitions(self) -> list[Definition]:
        """One that reads and one that pays."""
        number = {"type": "number", "description": "Amount."}
        return [
            tool("read", "Read an entry.", {"name": "Name of the entry."}, annotations={"readOnlyHint": True}),
            tool("pay", "Pay an amount.", {"amount": number}, optional={"to": "Payee."}),
        ]

    def application(self) -> ASGIApp:
        """Raw ASGI: no library reads the body first."""
        return self._serve

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        body, more = b"", True
        while more:
            event = await receive()
            body += event.get("body", b"")
            more = event.get("more_body", False)
        self.note("body", body.decode("latin-1"))
        await JSONResponse({"jsonrpc": "2.0", "id": 1, "result": {}})(scope, receive, send)
