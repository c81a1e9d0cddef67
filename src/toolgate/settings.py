"""Process settings: read once at start, never changed while running (records of the database are the other kind)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

MIB = 1024 * 1024


@dataclass(slots=True, frozen=True)
class Settings:
    """What `toolgate serve` was started with. Durations are in seconds, sizes in bytes."""

    data: Path
    host: str = "127.0.0.1"
    port: int = 8484
    control_port: int = 8485
    public_url: str = ""
    allowed_hosts: tuple[str, ...] = ()
    allowed_origins: tuple[str, ...] = ()
    counters: Literal["memory", "sqlite"] = "memory"
    fsync: Literal["always", "interval", "none"] = "interval"
    body_limit: int = MIB
    answer_limit: int = 16 * MIB
    upstream_timeout: float = 300.0
    max_staleness: float = 60.0
    grant_concurrency: int = 1024
    approval_wait: float = 45.0
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    tls_client_ca: Path | None = None
    config: Path | None = None
    prune: bool = False
    control_host: str = "127.0.0.1"
    control_url: str = ""
    allow_command_servers: bool = False
    allow_self_approval: bool = False
    public_catalogue: bool = False
    oidc_issuer: str = ""
    oidc_client_id: str = ""
    oidc_secret_file: Path | None = None
    oidc_roles: tuple[str, ...] = ()
    oauth_issuers: tuple[str, ...] = ()
    oauth_audience: str = ""
    oauth_scopes: tuple[str, ...] = ()


class ControlSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What the control process was started with; no secrets, because it stands on its command line.

    `url` is where people reach it, without a final slash. Paths are absolute. `oidc_roles` are read by
    `store.roles.claimed`.
    """

    data: str
    host: str
    port: int
    url: str
    allowed_hosts: tuple[str, ...] = ()
    tls_certificate: str | None = None
    tls_key: str | None = None
    config: str | None = None
    prune: bool = False
    allow_command_servers: bool = False
    allow_self_approval: bool = False
    public_catalogue: bool = False
    oidc_issuer: str = ""
    oidc_client_id: str = ""
    oidc_secret_file: str | None = None
    oidc_roles: tuple[str, ...] = ()
