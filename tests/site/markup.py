"""Reading pages strictly: which elements, attributes and links they have, and that every element is closed in order."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "link", "input", "br", "hr", "img", "path", "line", "rect"}


@dataclass
class Markup(HTMLParser):
    """What one page is made of. Raises AssertionError where elements do not nest."""

    links: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    elements: list[str] = field(default_factory=list)
    attributes: list[tuple[str, str]] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    open_: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.attributes += [(f"{tag} {name}", value or "") for name, value in attrs]
        given = dict(attrs)
        assert len(given) == len(attrs), f"an attribute twice: {attrs}"
        self.ids += [given["id"] or ""] if "id" in given else []
        self.links += [value for name in ("href", "src", "action") if (value := given.get(name)) is not None]
        if tag not in VOID:
            self.open_.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open_.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open_, f"</{tag}> closes nothing"
        opened = self.open_.pop()
        assert opened == tag, f"</{tag}> closes <{opened}>"

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def read(page: str) -> Markup:
    """The page, which must be complete."""
    markup = Markup()
    markup.feed(page)
    markup.close()
    assert not markup.open_, f"never closed: {markup.open_}"
    return markup
