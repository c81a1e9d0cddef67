"""Every server that the MCP clients of this machine are told to use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from toolgate.scanner.configured import ConfigurationFile, Configured, read
from toolgate.scanner.places import files
from toolgate.scanner.targets import Missing, Started, Target, Way


def configurations(environment: Mapping[str, str], home: Path, project: Path) -> list[ConfigurationFile]:
    """Every configuration of a client that is there, of the user and of the project that one stands in."""
    return [read(place, path, environment, home, project) for place, path in files(home, project, environment)]


def targets(found: Sequence[ConfigurationFile]) -> list[Target]:
    """Every server that is switched on: once where several clients name the same one, by client where names collide."""
    by_name: dict[str, list[Target]] = {}
    for file in found:
        if file.problem:  # what stands in it is not known, and must not be taken for nothing
            unread = Configured(f"configuration of {file.client}", Missing(f"`{file.path}` {file.problem}"))
            _add(by_name.setdefault(unread.name, []), file, unread)
        for server in file.servers:
            if not server.off:
                _add(by_name.setdefault(server.name, []), file, server)
    return [each for those in by_name.values() for each in _told_apart(those)]


def _add(known: list[Target], file: ConfigurationFile, server: Configured) -> None:
    origin = (file.client, str(file.path))
    for number, target in enumerate(known):
        if target.way == server.way:
            known[number] = replace(target, origins=(*target.origins, origin))
            return
    known.append(Target(server.name, server.way, (origin,)))


def _told_apart(those: list[Target]) -> list[Target]:
    if len(those) == 1:
        return those
    named: list[Target] = []
    for target in those:
        name = f"{target.name} ({target.origins[0][0]})"
        taken = sum(each.name == name or each.name.startswith(f"{name} ") for each in named)
        named.append(replace(target, name=f"{name} {taken + 1}" if taken else name))
    return named


def held_back(target: Target) -> Target:
    """A target whose command nobody agreed to start."""
    cause = "was not started: nobody agreed to it (`--yes` does)"
    way: Way = Missing(cause, target.way.command) if isinstance(target.way, Started) else target.way
    return replace(target, way=way)
