"""A small catalogue of definitions, good and hostile, and the site that is built of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from toolgate.attacks.abuse import Abuses
from toolgate.attacks.case import Case
from toolgate.attacks.reading import find, load
from toolgate.catalogue.entries import ServerFacts
from toolgate.catalogue.store import Catalogue, open_catalogue
from toolgate.site.builder import Built, build
from toolgate.site.collection import Collection
from toolgate.site.surroundings import Surroundings

BAD_NAMES: Final = (
    "<img src=x onerror=alert(1)>", "a\u202egpj.exe", "\x1b[31mred", "{{ 7 * 7 }}", "../../etc/passwd", "index", "CON",
    "Run", "run", "RUN", "高德天气查询助手", "שלום", "e\u0301tat", "x" * 300, "a b", "`tick`",
    "💥", "get_*", "'\"", "&amp;",
)  # fmt: skip
"""Names that must not break a page, an address or a file system."""
CARGO: Final[list[dict[str, Any]]] = [
    {
        "name": "run",
        "description": "Run the binary of a package.",
        "inputSchema": {"properties": {"path": {"type": "string"}, "release": {"type": "boolean"}}},
    },
    {"name": "tree", "description": "Show the tree of dependencies."},
    {"name": "remove_crate", "description": "Delete a dependency for good."},
    {
        "name": "pay_invoice",
        "description": "Pay an invoice.",
        "inputSchema": {"properties": {"amount": {"type": "number"}}},
    },
    {"name": "query", "description": "Run SQL.", "inputSchema": {"properties": {"sql": {"type": "string"}}}},
]
DEEP: Final[dict[str, Any]] = {"type": "object", "properties": {"a": {"type": "object"}}}


def odd_cases() -> list[Case]:
    """Cases with what those that ship may lack: hostile text, a bound, no policy at all, a companion, many servers."""
    return [load(file) for file in sorted((Path(__file__).parent / "cases").glob("*.toml"))]


def hostile() -> list[dict[str, Any]]:
    """Tools with names, descriptions and schemas that nobody should trust."""
    texts = (
        "</title></textarea></script><script>alert(1)</script>",
        "\u202eesrever\u2066 \x00\x07\u200b tags \U000e0041",
        "A" * 60_000,
        "\n" * 5_000 + "far below",
        "![x](javascript:alert(1)) <a href='https://evil.example'>click</a> ]]> --> `unpaired",
        "",
    )
    deep: dict[str, Any] = {"type": "string"}
    for level in range(12):
        deep = {"type": "object", "properties": {f"level_{level}": deep, "</code>": {"enum": ["<b>", "\u202e"]}}}
    return [
        {"name": name, "description": texts[place % len(texts)], "inputSchema": deep if place % 3 else DEEP}
        for place, name in enumerate(BAD_NAMES)
    ]


def put(catalogue: Catalogue, name: str, tools: list[dict[str, Any]], **facts: str) -> None:
    catalogue.put(ServerFacts(name, **facts), tools, source="import", now=1_795_000_000.0)


@contextmanager
def filled(data: Path) -> Iterator[Catalogue]:
    """Servers good and hostile, one without tools, and enough tools for lists of several pages."""
    with open_catalogue(data, box=b"") as catalogue, catalogue.together():
        put(catalogue, "acme/cargo", CARGO, title="Cargo", about="Builds.\nTests.", url="https://mcp.example/mcp")
        put(catalogue, "evil/<b>bold", hostile(), about="<script>1</script>\u202e", repository="javascript:alert(1)")
        put(catalogue, "acme/empty", [])
        put(catalogue, "acme/many", [{"name": f"get_{number:03}", "description": "Get one."} for number in range(105)])
        put(catalogue, "acme/more", [{"name": f"list_file_{number}", "description": "List."} for number in range(12)])
        yield catalogue


def collection(data: Path) -> Collection:
    with filled(data):
        pass
    with open_catalogue(data, box=b"") as catalogue:
        return Collection(catalogue.all_servers(), catalogue.all_tools())


def few_cases() -> list[Case]:
    """One that ships, and the odd ones: quickly written."""
    return [find("path-prefix-bypass"), *odd_cases()]


def built(data: Path, out: Path, here: Surroundings, processes: int = 1, cases: Sequence[Case] = ()) -> Built:
    abuses = Abuses(cases or few_cases())
    return build(collection(data), out, here, processes=processes, abuses=abuses)
