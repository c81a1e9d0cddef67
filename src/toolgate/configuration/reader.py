"""Reads a configuration: its notation, its shape, what it names; all that is wrong is found in one pass.

The files that it names are looked for beside it. Nothing here reads or changes the database.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from toolgate.configuration import nodes, secrets, shape
from toolgate.configuration.document import Configuration, GrantTerms, PolicyText, ServerTerms
from toolgate.configuration.files import read_file, read_text
from toolgate.configuration.nodes import Flaw, Node
from toolgate.configuration.problems import ConfigurationError, Problem
from toolgate.errors import ToolgateError
from toolgate.policy.document import PolicyError, parse
from toolgate.store import headers, moments, names, variables
from toolgate.store.claims import check_claims
from toolgate.store.commands import check_command, parse_command, resolve
from toolgate.store.errors import BadInput
from toolgate.store.headers import HeaderInput
from toolgate.store.names import escaped, shown
from toolgate.store.servers import Reach, Registration

MAX_POLICY = 8 * 1024 * 1024

Entry = TypeVar("Entry")


def read_configuration(file: Path, environment: Mapping[str, str]) -> Configuration:
    """Read a file and everything it names. Raises ConfigurationError with all problems."""
    whole = file.absolute()
    try:
        body = read_file(str(file), whole, nodes.MAX_SIZE)
    except BadInput as error:
        raise ConfigurationError([Problem("configuration", error.cause, error.mend)]) from None
    return read_configuration_text(body, escaped(str(file)), whole, environment)


def read_configuration_text(body: bytes, place: str, file: Path, environment: Mapping[str, str]) -> Configuration:
    """The same for a text that is at hand; `file` says what paths are relative to, and marks what is made from it."""
    try:
        root, flaws = nodes.read(_decoded(body))
    except nodes.Unreadable as error:
        raise ConfigurationError([Problem(f"{place}:{error.line}", error.cause, error.mend)]) from None
    reading = _Reading(root, place, file, environment, flaws + shape.find_flaws(root))
    configuration = reading.configuration()
    if reading.flaws:
        raise ConfigurationError(reading.problems())
    return configuration


def _decoded(body: bytes) -> str:
    if len(body) > nodes.MAX_SIZE:
        raise nodes.Unreadable(1, f"is larger than {nodes.MAX_SIZE} bytes", "keep long policies in files of their own")
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        raise nodes.Unreadable(line, "is not UTF-8", "save it in UTF-8") from None


class _Reading:
    """One pass over a document. An entry whose shape is wrong is left alone; all others are read."""

    def __init__(self, root: Node, place: str, file: Path, environment: Mapping[str, str], flaws: list[Flaw]) -> None:
        self.flaws = flaws
        self._root = root
        self._place = place
        self._file = file
        self._environment = environment
        self._files = [file]
        self._wrong = {flaw.path[:2] for flaw in flaws}

    def configuration(self) -> Configuration:
        """What the document says; where there are flaws, the part of it that has none."""
        name = self._root.entries.get("name")
        servers = dict(self._entries("servers", self._server))
        policies = dict(self._entries("policies", self._policy))
        grants = dict(self._entries("grants", self._grant))
        self._check_token_files(grants)
        return Configuration(
            origin=name.text if name is not None else str(self._file),
            place=self._place,
            servers=servers,
            policies=policies,
            grants=grants,
            files=tuple(dict.fromkeys(self._files)),
        )

    def problems(self) -> list[Problem]:
        """Everything that is wrong, in the order of the document."""
        ordered = sorted(self.flaws, key=lambda flaw: flaw.line)
        return [Problem(flaw.file or self._at(flaw.path), flaw.cause, flaw.mend) for flaw in ordered]

    def _at(self, path: nodes.Path) -> str:
        line = self._root.at(path).line
        return f"{self._place}:{line}: {nodes.pointer(path)}".removesuffix(": ")

    def _entries(self, section: str, read: Callable[[nodes.Path, str, Node], Entry]) -> Iterator[tuple[str, Entry]]:
        for name, node in self._root.at([section]).entries.items() if section in self._root.entries else ():
            if (section, name) not in self._wrong and (section,) not in self._wrong:
                path = (section, name)
                with self._noting(path):
                    yield name, read(path, name, node)

    @contextmanager
    def _noting(self, path: nodes.Path) -> Iterator[None]:
        """What is refused inside is a flaw of this place of the document, and the rest is read on."""
        try:
            yield
        except ToolgateError as error:
            self._flaw(path, error.cause, error.mend)

    def _flaw(self, path: nodes.Path, cause: str, mend: str, file: str = "") -> None:
        self.flaws.append(Flaw(path, self._root.at(path).line, cause, mend, file))

    def _server(self, path: nodes.Path, name: str, node: Node) -> ServerTerms:
        names.check_name("", name)
        value = node.value()
        reach = Reach(
            allow_private=value.get("allow_private", False),
            ca_file=self._setting(path, value, "ca_file"),
            client_certificate=self._setting(path, value, "client_certificate"),
            client_key=self._setting(path, value, "client_key"),
        )
        url: str = value.get("url", "")
        command: tuple[str, ...] = ()
        with self._noting((*path, "url")):
            if "url" in value:
                names.check_url("", url, allow_private=reach.allow_private, permission="`allow_private: true`")
        with self._noting((*path, "command")):
            command = self._command(value["command"]) if "command" in value else ()
        given = [*self._headers(path, value.get("headers", {})), *self._variables(path, value.get("env", {}))]
        registration = Registration(url, command, reach, value.get("pin", False), tuple(given))
        return ServerTerms(registration, self._at(path))

    def _command(self, given: Any) -> tuple[str, ...]:
        if isinstance(given, str):
            return parse_command("", given, self._file.parent)
        return check_command("", given, self._file.parent)

    def _setting(self, path: nodes.Path, value: dict[str, Any], key: str) -> str | None:
        """A file that the gateway reads when it connects; it must be there now."""
        if key not in value:
            return None
        found = self._beside(value[key])
        with self._noting((*path, key)):
            if not os.path.isfile(found):  # unlike Path's, it takes a name that no file can have for no file
                raise BadInput("", f"`{shown(value[key])}` is not a file", "check the path")
        return str(found)

    def _headers(self, path: nodes.Path, given: dict[str, str]) -> Iterator[HeaderInput]:
        seen: set[str] = set()
        for name, text in given.items():
            with self._noting((*path, "headers", name)):
                lower = headers.check_header("", name)
                value = secrets.header_value("", text, self._environment, self._opened)
                if lower in seen:
                    raise BadInput("", f"the header `{lower}` is given twice", "remove one of them")
                seen.add(lower)
                yield HeaderInput(lower, value=headers.check_value("", value))

    def _variables(self, path: nodes.Path, given: dict[str, str]) -> Iterator[HeaderInput]:
        for name, text in given.items():
            with self._noting((*path, "env", name)):
                variables.check_variable("", name)
                value = secrets.secret("", text, self._environment, self._opened)
                yield HeaderInput(name, value=variables.check_value("", value))

    def _policy(self, path: nodes.Path, name: str, node: Node) -> PolicyText:
        names.check_name("", name)
        if "file" not in node.entries:
            return self._checked_policy((*path, "document"), node.entries["document"].json() + "\n", "")
        given = node.entries["file"].text
        with self._noting((*path, "file")):
            text = read_text("", self._opened(given), MAX_POLICY)
            return self._checked_policy((*path, "file"), text, given)
        return PolicyText("", "")

    def _checked_policy(self, path: nodes.Path, text: str, file: str) -> PolicyText:
        """Policies are judged by their own language; what is wrong in a file is named by its own place."""
        try:
            parse(text)
        except PolicyError as error:
            for problem in error.problems:
                if file:
                    self._flaw(path, problem.cause, problem.mend, f"{file}: {problem.pointer}".removesuffix(": "))
                else:
                    self._flaw((*path, *_steps(problem.pointer, self._root.at(path))), problem.cause, problem.mend)
        return PolicyText(text, self._at(path))

    def _grant(self, path: nodes.Path, label: str, node: Node) -> GrantTerms:
        names.check_text("", label)
        value = node.value()
        labels = value.get("labels", {})
        with self._noting((*path, "principal")):
            names.check_text("", value.get("principal", label))
        with self._noting((*path, "labels")):
            names.check_labels("labels", labels)
        with self._noting((*path, "claims")):
            check_claims("claims", value.get("claims", {}))
        span, until = self._ending(path, value.get("expires", "never"))
        token_file = self._beside(value["token_file"]) if "token_file" in value else None
        return GrantTerms(
            server=value["server"],
            policy=value["policy"],
            principal=value.get("principal", label),
            labels=labels,
            span=span,
            until=until,
            token_file=token_file,
            place=self._at(path),
            claims=value.get("claims", {}),
        )

    def _ending(self, path: nodes.Path, expires: str) -> tuple[float | None, float | None]:
        span = moments.span(expires)
        if expires == "never" or span is not None:
            return span, None
        with self._noting((*path, "expires")):
            return None, moments.date("", expires)
        return None, None

    def _check_token_files(self, grants: Mapping[str, GrantTerms]) -> None:
        taken: dict[Path, str] = {}
        for label, grant in grants.items():
            if grant.token_file is None:
                continue
            first = taken.setdefault(grant.token_file, label)
            if first != label:
                cause = f"the token of `{shown(first)}` is written to the same file"
                self._flaw(("grants", label, "token_file"), cause, "name another file")

    def _opened(self, given: str) -> Path:
        """A file that is read now, and watched from then on."""
        file = self._beside(given)
        self._files.append(file)
        return file

    def _beside(self, given: str) -> Path:
        return resolve("", given, self._file.parent)


def _steps(pointer: str, node: Node) -> nodes.Path:
    """A JSON pointer into an inline document as a path of its nodes."""
    steps: list[str | int] = []
    for raw in pointer.split("/")[1:]:
        step = raw.replace("~1", "/").replace("~0", "~")
        steps.append(int(step) if node.at(steps).kind == "list" and step.isdecimal() else step)
    return tuple(steps)
