"""Where the pages of the catalogue live: what their addresses begin and end with, and what else is there."""

from __future__ import annotations

from dataclasses import dataclass

TWIN = ".json"


@dataclass(slots=True, frozen=True)
class Surroundings:
    """What pages must know of their place.

    `prefix` is the path that they live under, "" or without a final slash. `origin` is the scheme and host in front of
    it, "" where nobody said. `files`: they are files of a site, so that a page is a folder with an `index.html`, and
    nothing is asked of a server. `contact` is where people write to, "" for nowhere; `sign_in` where they sign in.
    `applies` says that a policy can be put on a server of this installation from here.
    """

    prefix: str = ""
    origin: str = ""
    files: bool = False
    contact: str = ""
    sign_in: str = ""
    applies: bool = False

    def at(self, *parts: str) -> str:
        """The address of a page by the parts of its path: slugs and words of our own, so nothing to quote."""
        path = "/".join((self.prefix, *parts))
        return f"{path}/" if self.files or not path else path

    def page(self, number: int, *parts: str) -> str:
        """The address of one page of a list, from 1: files have a folder for each, a server is asked for it."""
        if number == 1:
            return self.at(*parts)
        return self.at(*parts, "page", str(number)) if self.files else f"{self.at(*parts)}?page={number}"

    def page_twin(self, number: int, *parts: str) -> str:
        """The address of the same as JSON."""
        if number == 1:
            return self.twin(*parts)
        return self.twin(*parts, "page", str(number)) if self.files else f"{self.twin(*parts)}?page={number}"

    def twin(self, *parts: str) -> str:
        """The address of the same as JSON."""
        if not parts and self.files:
            return f"{self.prefix}/index{TWIN}"
        return "/".join((self.prefix, *parts)) + TWIN

    def file(self, name: str) -> str:
        """The address of something that is no page: a policy to download, the map of the site."""
        return f"{self.prefix}/{name}"
