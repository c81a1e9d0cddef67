"""The catalogue that comes in the box: facts of servers and tools, without a sentence of anybody else.

One file, packed by xz: a line for what it is, then a JSON line for each server. The same data make the same lines.
"""

from __future__ import annotations

import lzma
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple
from hashlib import sha256
from importlib.resources import files
from sqlite3 import Connection
from typing import Any, Final, NamedTuple

import msgspec

from toolgate import classifier
from toolgate.catalogue.entries import ServerFacts, Source
from toolgate.catalogue.identity import facts_of
from toolgate.catalogue.intake import accept
from toolgate.catalogue.progress import Progress, silent
from toolgate.catalogue.putting import judged
from toolgate.catalogue.terms import terms
from toolgate.catalogue.writing import Tool, Writer, tokens_of
from toolgate.classifier.classify import Classification, Confidence
from toolgate.classifier.signals import Signal
from toolgate.policy.categories import RISK, Category
from toolgate.store.errors import StoreError

FORM: Final = 1
_QUOTED: Final = re.compile(r"`([^`]*)`")
_FEW: Final = 3
"""Words of a quotation that is no name: so few are words of the lexicon, and no sentence in any script."""
_MOST: Final = 64 * 1024 * 1024
"""Bytes of the lines."""


class Boxed(NamedTuple):
    """A tool in the box."""

    name: str
    category: Category
    confidence: Confidence
    parameters: list[str]
    signals: list[tuple[str, str, str]]
    evidence: list[str]


class BoxedServer(NamedTuple):
    """A server in the box with its tools."""

    name: str
    tokens: int | None
    tools: list[Boxed]


class Header(NamedTuple):
    """What the box says of itself: its form, and which lexicon judged."""

    form: int
    lexicon: str
    servers: int


def shipped() -> bytes:
    """The box of this release, as it is packed."""
    return (files("toolgate.catalogue") / "box.jsonl.xz").read_bytes()


def digest(box: bytes) -> str:
    """What tells one box from another."""
    return sha256(box).hexdigest()


def pack(servers: Mapping[str, Sequence[Mapping[str, object]]], progress: Progress = silent) -> bytes:
    """Make a box of definitions by their servers."""
    return lzma.compress(b"".join(lines(servers, progress)), preset=9)


def lines(servers: Mapping[str, Sequence[Mapping[str, object]]], progress: Progress = silent) -> Iterator[bytes]:
    """The lines of a box, servers by their names and tools by theirs."""
    yield _line(Header(FORM, classifier.VERSION, len(servers)))
    for place, name in enumerate(sorted(servers), start=1):
        tools = judged(accept(servers[name])[0], name)
        boxed = sorted(_boxed(tool, name) for tool in tools)
        schemas = all(tool.accepted and "inputSchema" in tool.accepted.definition for tool in tools)
        yield _line(BoxedServer(name, tokens_of(tools) if schemas else None, boxed))
        progress(place, len(servers))


def unpack(box: bytes) -> tuple[Header, list[BoxedServer]]:
    """What a box says of itself, and its servers. Raises StoreError where it is not whole."""
    unpacking = lzma.LZMADecompressor()
    try:
        first, *rest = unpacking.decompress(box, _MOST).splitlines()
        header = msgspec.json.decode(first, type=Header)
        servers = [msgspec.json.decode(line, type=BoxedServer) for line in rest]
    except (lzma.LZMAError, ValueError, EOFError) as error:
        raise StoreError("the catalogue in the box", f"cannot be read: {error}", "install the package again") from error
    if header.form != FORM or not unpacking.eof or len(servers) != header.servers:
        raise StoreError("the catalogue in the box", "is of another release, or not whole", "install the package again")
    return header, servers


def load(db: Connection, box: bytes, progress: Progress = silent) -> None:
    """Store what is in the box instead of what an older one held, in a transaction that is open.

    What was imported or scanned is left as it is: it was asked for, and holds more.
    """
    header, servers = unpack(box)
    old, listed = _of_source(db, "box"), _of_source(db, "import", "scan")
    for place, server in enumerate(servers, start=1):
        old.discard(server.name)
        if server.name not in listed:
            _store(db, facts_of(server.name), server)
        progress(place, header.servers)
    for name in old:
        _forget(db, name)


def _of_source(db: Connection, *sources: Source) -> set[str]:
    found = db.execute("SELECT name, source FROM servers WHERE organisation = ''")
    return {name for name, source in found if source in sources}


def _store(db: Connection, facts: ServerFacts, server: BoxedServer) -> None:
    writer = Writer(db, facts, "box", "")
    known = writer.known()
    for name in known.keys() - {tool.name for tool in server.tools}:
        writer.remove(known[name], None)
    for tool in server.tools:
        writer.store(_tool(tool), known.get(tool.name), None)
    writer.finish(server.tokens, None)


def _forget(db: Connection, name: str) -> None:
    """A server that is in the box no longer; what a registry says of it stays."""
    writer = Writer(db, ServerFacts(name), "registry", "")
    for tool in writer.known().values():
        writer.remove(tool, None)
    writer.finish(None, None)
    writer.drop_unless_registered()


def _tool(boxed: Boxed) -> Tool:
    signals = tuple(Signal(*signal) for signal in boxed.signals)
    risk = RISK[boxed.category]
    judgement = Classification(boxed.category, risk, boxed.confidence, tuple(boxed.evidence), signals)
    return Tool(boxed.name, judgement, tuple(boxed.parameters))


def _boxed(tool: Tool, server: str) -> Boxed:
    judgement = tool.judged
    signals = [astuple(signal) for signal in judgement.signals]
    names = (tool.name, server, *tool.parameters)
    evidence = [each for each in judgement.evidence if _is_fact(each, names)]
    parameters = list(tool.parameters)
    return Boxed(tool.name, judgement.category, judgement.confidence, parameters, signals, evidence)


def _is_fact(evidence: str, names: Iterable[str]) -> bool:
    """Whether what it quotes are names, or so few words that they are those of the lexicon."""
    quoted = _QUOTED.findall(evidence)
    return evidence.count("`") == 2 * len(quoted) and all(
        piece in names or len(terms(piece)) <= _FEW for piece in quoted
    )


def _line(value: Any) -> bytes:
    return msgspec.json.encode(value) + b"\n"
