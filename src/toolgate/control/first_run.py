"""The way in for the very first admin: a link on standard error, for whoever can read the operator's log."""

from __future__ import annotations

from sqlalchemy.engine import Engine

from toolgate.background import complain
from toolgate.store import links


def offer(engine: Engine, url: str) -> None:
    """Say a new link while the installation has no member; the one of an earlier start holds no longer."""
    secret = links.first(engine, "serve")
    if secret is not None:
        complain(f"nobody can sign in yet: make the first admin within 24 hours at {url}/welcome/{secret}")
