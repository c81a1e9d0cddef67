"""A configuration as it was read: valid as a whole, its files and secrets at hand, compared with nothing yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from toolgate.store.servers import Registration


@dataclass(slots=True, frozen=True)
class PolicyText:
    """A policy's document, as it will be stored."""

    text: str
    place: str


@dataclass(slots=True, frozen=True)
class GrantTerms:
    """What the file says of one grant. `span` (seconds from its making) or `until` (since 1970) ends it, or nothing."""

    server: str
    policy: str
    principal: str
    labels: Mapping[str, str]
    span: float | None
    until: float | None
    token_file: Path | None
    place: str
    claims: Mapping[str, object] = field(default_factory=dict)


@dataclass(slots=True, frozen=True)
class ServerTerms:
    """What the file says of one server, its secrets read."""

    registration: Registration = field(repr=False)
    place: str


@dataclass(slots=True, frozen=True)
class Configuration:
    """What a file describes. `origin` marks what is made from it; `files` are all that were read, the file first."""

    origin: str
    place: str
    servers: Mapping[str, ServerTerms]
    policies: Mapping[str, PolicyText]
    grants: Mapping[str, GrantTerms]
    files: tuple[Path, ...]
