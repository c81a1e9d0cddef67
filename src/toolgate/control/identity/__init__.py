"""Who asks: members with a session, programs with an API token, and how people get in."""
