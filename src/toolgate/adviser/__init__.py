"""An MCP server of its own: agents ask it what a server or a tool can do before they connect."""
