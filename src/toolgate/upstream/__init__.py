"""Toward MCP servers: where they are, how they are reached, with which credentials."""
