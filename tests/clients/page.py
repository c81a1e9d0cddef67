"""What of docs/clients.md is made: the matrix from `clients.py`, the configurations from `toolgate.clients`."""

from __future__ import annotations

from collections.abc import Iterator

from toolgate.clients import FORMS, Form

from .behaviours import BEHAVIOURS
from .clients import PEERS, ROOT, Peer, missing

PAGE = ROOT / "docs" / "clients.md"
BEGIN = "<!-- made by tests/clients/page.py -->\n"
URL = "http://127.0.0.1:8484/mcp/SERVER/"
SERVER = ("npx", "-y", "@modelcontextprotocol/server-filesystem", "/home/me/project")
WAYS = {"http": "HTTP", "stdio": "`toolgate run`"}
FINDS = {"legacy": "", "2026-07-28": "", "auto": ", found by itself"}


class Notes:
    """Numbered reasons, each printed once."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def of(self, reason: str) -> str:
        return f"[{self._numbers.setdefault(reason, len(self._numbers) + 1)}]"

    def lines(self) -> Iterator[str]:
        for reason, number in self._numbers.items():
            yield f"{number}. {reason}"


def made() -> str:
    """All that follows the mark."""
    return "\n".join([BEGIN, *_behaviours(), *_matrix(), *_configurations()])


def written() -> tuple[str, str]:
    """The page as it stands: before the mark, and from there on."""
    before, mark, after = PAGE.read_text().partition(BEGIN)
    return before, mark + after


def _behaviours() -> Iterator[str]:
    yield "## What is tried\n"
    yield "| behaviour | a client |\n|---|---|"
    for name, behaviour in BEHAVIOURS.items():
        assert behaviour.__doc__ is not None
        yield f"| {_shown(name)} | {behaviour.__doc__.splitlines()[0]} |"
    yield ""


def _matrix() -> Iterator[str]:
    notes = Notes()
    yield "## The matrix\n"
    yield f"| client | way | revision | {' | '.join(_shown(name) for name in BEHAVIOURS)} |"
    yield f"|---|---|---|{'---|' * len(BEHAVIOURS)}"
    for peer in PEERS:
        cells = " | ".join(_cell(peer, name, notes) for name in BEHAVIOURS)
        about = f"{peer.client.title} ({peer.client.version})"
        yield f"| {about} | {WAYS[peer.way]} | {peer.revision}{FINDS[peer.mode]} | {cells} |"
    yield ""
    yield from notes.lines()
    yield ""


def _cell(peer: Peer, behaviour: str, notes: Notes) -> str:
    """`yes`; `no`, where the client itself cannot; `-`, where there is nothing to try."""
    absent, cannot = missing(peer, behaviour), peer.cannot(behaviour)
    if absent is not None:
        return f"- {notes.of(absent)}"
    return "yes" if cannot is None else f"no {notes.of(cannot.reason)}"


def _shown(name: str) -> str:
    return name.replace("_", " ")


def _configurations() -> Iterator[str]:
    yield "## What to paste\n"
    for form in FORMS:
        yield from _configuration(form)


def _configuration(form: Form) -> Iterator[str]:
    yield f"### {form.client}\n"
    yield f"Where: {form.place}. Documented at <{form.source}>. Over HTTP:\n"
    yield f"```{form.language}\n{form.http('files', URL, 'TOKEN')}\n```\n"
    yield "With `toolgate run`:\n"
    yield f"```{form.language}\n{form.stdio('files', '/home/me/policy.json', SERVER)}\n```\n"
