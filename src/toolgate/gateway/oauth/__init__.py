"""The gateway as a protected resource of OAuth 2.1; loaded only where `serve` was told of an authorization server."""
