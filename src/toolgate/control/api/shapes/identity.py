"""Who somebody is."""

from __future__ import annotations

from typing import Literal

from toolgate.control.api.shapes.words import Shown

RoleWord = Literal["viewer", "policy_manager", "admin"]


class Identity(Shown):
    """Whoever asks."""

    name: str
    """What admin events call you: an e-mail, or `token:` and the name of an API token."""
    organisation: str
    """The id of your organisation."""
    role: RoleWord
    """What you may do: each role has all of the one before."""
    approver: Literal["*"] | list[str]
    """The servers whose waiting calls you may decide on (ids): `*` for all."""
    email: str | None
    """Your e-mail; null for an API token."""
