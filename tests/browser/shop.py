"""The MCP server behind the browser tests: the official SDK, with tools of every kind of risk.

`python -m tests.browser.shop --http 0` says on standard error where it serves.
"""

from __future__ import annotations

from typing import Annotated, Literal

from mcp.server import MCPServer
from mcp_types import ToolAnnotations
from pydantic import Field

from toolgate.demo.serving import parser, serve

server: MCPServer[None] = MCPServer("shop", version="1.0.0", log_level="WARNING")

Customer = Annotated[str, Field(description="The customer's number.", pattern="^c[0-9]+$")]


@server.tool(annotations=ToolAnnotations(read_only_hint=True))
def list_customers(limit: int = 10) -> list[str]:
    """List the customers, the newest first."""
    return [f"c{number}" for number in range(1, limit + 1)]


@server.tool()
def update_customer(customer: Customer, email: str) -> str:
    """Change the e-mail address of a customer."""
    return f"{customer} is {email} now"


@server.tool()
def create_refund(
    customer: Customer,
    amount: Annotated[float, Field(description="In the currency's main unit.", ge=0)],
    currency: Literal["usd", "eur"] = "usd",
) -> str:
    """Refund money to a customer's card."""
    return f"refunded {amount:.2f} {currency} to {customer}"


@server.tool()
def run_report(sql: Annotated[str, Field(description="One SQL query.")]) -> str:
    """Run a query over the orders."""
    return f"ran {sql}"


@server.tool(annotations=ToolAnnotations(destructive_hint=True))
def delete_customer(customer: Customer) -> str:
    """Delete a customer and all orders for good."""
    return f"deleted {customer}"


if __name__ == "__main__":
    serve(server, parser("tests.browser.shop", __doc__ or "").parse_args().http)
