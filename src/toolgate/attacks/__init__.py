"""The attack database: documented attacks on MCP as cases that anyone can run against a real gateway."""
