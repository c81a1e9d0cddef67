"""What a browser makes of the builder's form: its fields as they are sent when nobody touches them."""

from __future__ import annotations

from html.parser import HTMLParser


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.fields: list[tuple[str, str]] = []
        self._area: str | None = None
        self._text = ""
        self._select: str | None = None
        self._options: list[tuple[str, bool]] = []
        self.inside = False

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        if tag == "form":
            self.inside = given.get("id") == "builder"
        if not self.inside:
            return
        if tag == "input" and given.get("type") in ("checkbox", "radio"):
            self.fields += [(given["name"], given.get("value", "on"))] if "checked" in given else []
        elif tag == "input" and "name" in given:
            self.fields.append((given["name"], without_lines(given.get("value", ""), given)))
        elif tag == "textarea":
            self._area, self._text = given["name"], ""
        elif tag == "select":
            self._select, self._options = given["name"], []
        elif tag == "option" and self._select is not None:
            self._options.append((given["value"], "selected" in given))

    def handle_data(self, data: str) -> None:
        if self._area is not None:
            self._text += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.inside = False
        elif tag == "textarea" and self._area is not None:
            text = self._text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\ufffd").removeprefix("\n")
            self.fields.append((self._area, text.replace("\n", "\r\n")))
            self._area = None
        elif tag == "select" and self._select is not None:
            chosen = [value for value, is_chosen in self._options if is_chosen] or [value for value, _ in self._options]
            self.fields.append((self._select, chosen[0]))
            self._select = None


def without_lines(value: str, given: dict[str, str]) -> str:
    """A field of one line drops line ends; a hidden one is sent as it is."""
    if given.get("type") == "hidden":
        return value
    return value.replace("\r", "").replace("\n", "").replace("\0", "\ufffd")


def filled(html: str) -> dict[str, str]:
    """The builder's fields; text that could be given as CDATA in other languages is plain text in HTML."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return dict(reader.fields)
