"""What can be scanned: a server that is started, one that is reached, or definitions that somebody kept."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Final, TypeAlias
from urllib.parse import urlsplit


@dataclass(slots=True, frozen=True)
class Started:
    """A stdio server. `environment` is all that it sees of ours, secrets among it."""

    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    directory: str | None = None

    @property
    def shown(self) -> str:
        """The program alone: arguments may hold secrets."""
        return PurePath(self.command[0]).name


@dataclass(slots=True, frozen=True)
class Reached:
    """A server behind HTTP. `headers` are sent with every request, secrets among them."""

    url: str = field(repr=False)
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    allow_private: bool = False

    @property
    def shown(self) -> str:
        """Scheme and host alone: paths and queries may hold secrets."""
        scheme, host = _parts(self.url)
        return f"{scheme}://{host}" if host else "a URL that cannot be read"


@dataclass(slots=True, frozen=True)
class Kept:
    """Definitions that somebody kept, as they were read.

    `strange` counts entries that are no objects, `note` says where they are.
    """

    tools: Sequence[Mapping[str, object]] = field(repr=False)
    file: str
    strange: int = 0
    note: str = ""

    @property
    def shown(self) -> str:
        """The file."""
        return self.file


@dataclass(slots=True, frozen=True)
class Missing:
    """A server that cannot be asked: its configuration leaves open how, or nobody agreed to start its command."""

    cause: str
    command: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        """Nothing to show."""
        return ""


Way: TypeAlias = Started | Reached | Kept | Missing


@dataclass(slots=True, frozen=True)
class Target:
    """One server to scan under a name; `origins` are the configurations that name it, client and file."""

    name: str
    way: Way
    origins: tuple[tuple[str, str], ...] = ()


_STARTERS: Final = frozenset(
    {"npx", "uvx", "bunx", "pnpx", "npm", "pnpm", "bun", "uv", "pipx", "run", "exec", "dlx", "tool", "node", "deno",
     "python", "python3", "docker", "podman", "sh", "bash", "env", "cmd", "tsx", "ts-node", "java"}
)  # fmt: skip
"""Programs, and words behind them, that start what a server really is."""
_PLACES: Final = frozenset({"index", "main", "server", "cli", "app", "dist", "build", "src", "bin", "lib", "__main__"})
_SCRIPT: Final = re.compile(r"\.(?:js|mjs|cjs|ts|py|exe|cmd|jar|sh)$")
_VERSION: Final = re.compile(r"(?<=.)@[^/@]*$")


def name_of_command(command: Sequence[str]) -> str:
    """What a server is called by the command that starts it: its package, its module or its script."""
    words = [_VERSION.sub("", word) for word in command if re.fullmatch(r"[^-=\s][^=\s]{0,200}", word)]
    telling = next((word for word in words if _stem(word) not in _STARTERS and not _is_number(_stem(word))), "")
    return _telling(telling) or _stem(telling) or _stem(command[0]) or "server"


def name_of_url(url: str) -> str:
    """What a server is called by its address: its host."""
    return _parts(url)[1] or "server"


def _parts(url: str) -> tuple[str, str]:
    """Scheme and host; "" for what no URL can be."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "", ""
    return parts.scheme, parts.hostname or ""


def _stem(word: str) -> str:
    return _SCRIPT.sub("", PurePath(word).name)


def _is_number(stem: str) -> bool:
    return re.fullmatch(r"(?:python)?[\d.]+", stem) is not None


def _telling(word: str) -> str:
    """The last part of a path that says more than where a program usually lies; a scoped package as it is."""
    if word.startswith("@"):
        return word
    parts = [_SCRIPT.sub("", part) for part in PurePath(word).parts]
    return next((part for part in reversed(parts) if part not in _PLACES and part not in ("/", ".", "..")), "")
