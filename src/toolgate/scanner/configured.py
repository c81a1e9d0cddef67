"""The servers in one client configuration, in whichever of the clients' shapes each is written."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from toolgate.scanner import jsonc
from toolgate.scanner.placeholders import Filling, Unfilled
from toolgate.scanner.places import Place
from toolgate.scanner.targets import Missing, Reached, Started, Way
from toolgate.store.errors import BadInput
from toolgate.store.headers import OWNED, check_header, check_value
from toolgate.upstream.stdio_environment import inherited

MOST: Final = 16 * 1024 * 1024
"""Bytes of a configuration; that of Claude Code holds the history of every project."""
_URLS: Final = ("url", "serverUrl", "httpUrl", "uri")
_LISTED: Final = 1_000


@dataclass(slots=True, frozen=True)
class Configured:
    """One server of a configuration; `off` where the client is told not to use it."""

    name: str
    way: Way
    off: bool = False


@dataclass(slots=True, frozen=True)
class ConfigurationFile:
    """One file of one client with its servers, or the `problem` that kept it from being read."""

    client: str
    path: Path
    servers: tuple[Configured, ...] = ()
    problem: str = ""


def read(place: Place, path: Path, environment: Mapping[str, str], home: Path, project: Path) -> ConfigurationFile:
    """The servers of one file."""
    try:
        content = _decoded(place, path)
    except OSError as error:
        return ConfigurationFile(place.client, path, problem=f"cannot be read: {error.strerror}")
    except (ValueError, RecursionError, yaml.YAMLError):  # the text of the error may hold a secret of the file
        return ConfigurationFile(place.client, path, problem=f"is no {place.notation.upper()}")
    reader = _Reader(environment, Filling(environment, home, project))
    found = [each for section in place.sections for each in _sections(content, section)]
    servers = [reader.server(name, entry, folder) for folder, entries in found for name, entry in _named(entries)]
    return ConfigurationFile(place.client, path, tuple(servers[:_LISTED]))


def _decoded(place: Place, path: Path) -> object:
    with path.open("rb") as file:
        body = file.read(MOST + 1)
    if len(body) > MOST:
        raise ValueError("too large")
    text = body.decode("utf-8-sig")
    if place.notation == "toml":
        return tomllib.loads(text)
    return yaml.safe_load(text) if place.notation == "yaml" else jsonc.decode(text)


def _sections(content: object, section: str) -> Iterator[tuple[str, object]]:
    """What stands at a path of keys, with what `*` stood for; a setting may also be written `"mcp.servers"`."""
    if isinstance(content, Mapping) and section in content:
        yield "", content[section]
        return
    key, dot, rest = section.partition(".")
    if not isinstance(content, Mapping) or not dot:
        return
    for name, value in content.items() if key == "*" else [("", content.get(key))]:
        for below, found in _sections(value, rest):
            yield str(name) or below, found


def _named(entries: object) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Servers by their names, or in a list where each says its own."""
    listed = entries.items() if isinstance(entries, Mapping) else _of_list(entries)
    for name, entry in listed:
        if isinstance(entry, Mapping):
            yield str(name), entry


def _of_list(entries: object) -> Iterator[tuple[object, object]]:
    for number, entry in enumerate(entries if isinstance(entries, list) else ()):
        if isinstance(entry, Mapping):
            yield entry.get("name") or f"server {number + 1}", entry.get("transport", entry)


class _Reader:
    def __init__(self, environment: Mapping[str, str], filling: Filling) -> None:
        self._environment = environment
        self._fill = filling.fill

    def server(self, name: str, entry: Mapping[str, Any], folder: str) -> Configured:
        off = entry.get("disabled") is True or entry.get("enabled") is False
        try:
            return Configured(name, self._way(entry, folder), off)
        except Unfilled as error:
            return Configured(name, Missing(f"its configuration cannot be filled in: {error}"), off)
        except (TypeError, ValueError, AttributeError, BadInput):
            return Configured(name, Missing("its configuration is of no known shape"), off)

    def _way(self, entry: Mapping[str, Any], folder: str) -> Way:
        url = next((entry[key] for key in _URLS if isinstance(entry.get(key), str)), "")
        if url:
            return Reached(self._fill(url), tuple(self._headers(entry).items()), allow_private=True)
        words = self._words(entry)
        if not words:
            return Missing("its configuration names neither a command nor a URL")
        directory = entry.get("cwd") or folder or None
        return Started(words, self._variables(entry), self._fill(str(directory)) if directory else None)

    def _words(self, entry: Mapping[str, Any]) -> tuple[str, ...]:
        """Command and arguments: apart, in one list, or the command an object of its own."""
        command = entry.get("command") or entry.get("cmd") or ()
        if isinstance(command, Mapping):
            return self._words({"command": command.get("path"), "args": command.get("args")})
        words = [*([command] if isinstance(command, str) else _list(command)), *_list(entry.get("args") or ())]
        return tuple(self._fill(_text(word)) for word in words)

    def _variables(self, entry: Mapping[str, Any]) -> dict[str, str]:
        """What the server sees of our environment: what programs need, and what its configuration gives it."""
        command = entry.get("command")
        nested = command.get("env") if isinstance(command, Mapping) else None
        given = entry.get("env") or entry.get("envs") or entry.get("environment") or nested or {}
        named = {name: self._environment[name] for name in entry.get("env_vars") or () if name in self._environment}
        filled = {str(name): self._shell(_text(value)) for name, value in given.items()}
        return {**inherited(self._environment), **named, **filled}

    def _shell(self, text: str) -> str:
        """A whole value that is `$NAME` is that variable, as in Gemini CLI."""
        if text.startswith("$") and text[1:].isidentifier():
            return self._fill(f"${{{text[1:]}}}")
        return self._fill(text)

    def _headers(self, entry: Mapping[str, Any]) -> dict[str, str]:
        options = entry.get("requestOptions")
        given = entry.get("headers") or entry.get("http_headers") or (options or {}).get("headers") or {}
        headers = {str(name).lower(): self._shell(_text(value)) for name, value in given.items()}
        for name, variable in (entry.get("env_http_headers") or {}).items():
            headers[str(name).lower()] = self._fill(f"${{{variable}}}")
        if entry.get("bearer_token_env_var"):
            headers["authorization"] = "Bearer " + self._fill(f"${{{entry['bearer_token_env_var']}}}")
        # What a scan writes itself, as `accept`, it writes as it must.
        own = {name: value for name, value in headers.items() if name not in OWNED}
        return {check_header("header", name): check_value("header", value) for name, value in own.items()}


def _list(value: object) -> list[Any]:
    if not isinstance(value, list | tuple):
        raise TypeError
    return list(value)


def _text(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise TypeError
    return str(value)
