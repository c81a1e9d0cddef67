"""Servers and tools that tests put into a catalogue."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from toolgate.catalogue.box import pack
from toolgate.catalogue.store import Catalogue, open_catalogue

NOW = 1_800_000_000.0


def tool(name: str, description: str = "", **properties: Any) -> dict[str, object]:
    """A definition with these parameters."""
    schema = {"type": "object", "properties": {key: {"type": kind} for key, kind in properties.items()}}
    return {"name": name, "description": description, "inputSchema": schema}


SERVERS: Mapping[str, list[dict[str, object]]] = {
    "acme/files": [
        tool("read_file", "Read a file from the disk.", path="string"),
        tool("delete_file", "Delete a file for good.", path="string"),
    ],
    "acme/github": [
        tool("create_issue", "Create an issue in a repository.", title="string", body="string"),
        tool("delete_repository", "Delete a repository for good.", owner="string", repo="string"),
        tool("getRepo", "Get a repository.", owner="string", repo="string"),
    ],
    "npm/acme/stripe": [
        tool("create_refund", "Refund a payment.", amount="number"),
        tool("list_payments", "List payments of a customer.", customer="string"),
    ],
    "Погода/天気": [tool("天気予報", "Get the forecast for a city.", city="string")],
}


@lru_cache(maxsize=1)
def box() -> bytes:
    """A box of these servers."""
    return pack(SERVERS)


@contextmanager
def catalogue(data: Path) -> Iterator[Catalogue]:
    """A catalogue that begins with them."""
    with open_catalogue(data, box=box()) as opened:
        yield opened
