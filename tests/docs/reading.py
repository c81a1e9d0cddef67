"""The project's documents as data: files, links, headings, blocks of code."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.md")])
FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    page: Path
    language: str
    text: str


def blocks() -> Iterator[Block]:
    for page in PAGES:
        for language, text in FENCE.findall(page.read_text()):
            yield Block(page, language, text)


def without_blocks(page: Path) -> str:
    return FENCE.sub("", page.read_text())


def links(page: Path) -> list[str]:
    return LINK.findall(without_blocks(page))


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as the usual renderers make them."""
    kept = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in HEADING.findall(without_blocks(page)))
    return {heading.strip().replace(" ", "-") for heading in kept}


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def commands() -> Iterator[tuple[Path, str]]:
    """Every line of a block that begins with `toolgate`, continued lines joined, comments cut off."""
    for block in blocks():
        for line in block.text.replace("\\\n", " ").splitlines():
            bare = re.sub(r"\s+#.*$", "", line).strip().removeprefix("$ ").removesuffix(" &")
            if bare.startswith("toolgate "):
                yield block.page, bare
