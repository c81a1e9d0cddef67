"""Toolgate beside other MCP gateways, on the same work: `python -m bench.side_by_side`."""
