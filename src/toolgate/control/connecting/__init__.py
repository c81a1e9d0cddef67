"""OAuth toward MCP servers, as the protocol's authorization specification says (2025-11-25 and 2026-07-28)."""
