"""Which sections there are, who sees them, and which of them a page belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from toolgate.store.roles import Role, reaches


@dataclass(slots=True, frozen=True)
class Section:
    """An entry of the navigation; `also` are paths that belong to it without beginning with its own, `but` do not."""

    href: str
    label: str
    icon: str
    role: Role = "viewer"
    also: tuple[str, ...] = ()
    but: tuple[str, ...] = ()

    def holds(self, path: str) -> bool:
        """Whether the page at `path` is of this section."""
        starts = tuple(start for start in (self.href, *self.also) if start != "/")
        return _below(path, starts) and not _below(path, self.but)


def _below(path: str, starts: tuple[str, ...]) -> bool:
    return any(path == start or path.startswith(f"{start}/") for start in starts)


@dataclass(slots=True, frozen=True)
class Entry:
    """A section as one page shows it."""

    href: str
    label: str
    icon: str
    here: bool
    exact: bool


SECTIONS: Final = (
    (
        Section("/", "Overview", "overview"),
        Section("/servers", "Servers", "server", also=("/connect",)),
        Section("/policies", "Policies", "policy"),
        Section("/grants", "Grants", "key"),
        Section("/catalogue", "Catalogue", "globe", but=("/catalogue/attacks",)),
        Section("/catalogue/attacks", "Attacks", "warn"),
    ),
    (
        Section("/records", "Decisions", "log", also=("/live",)),
        Section("/approvals", "Approvals", "inbox", also=("/decide",)),
    ),
    (
        Section("/members", "Members", "people", role="admin"),
        Section("/events", "Admin events", "events", role="admin"),
        Section("/settings", "Settings", "settings", role="admin", also=("/messages",)),
    ),
)


def navigation(role: Role, path: str) -> list[list[Entry]]:
    """The sections that somebody with this role may open, in groups."""
    groups = [[_entry(section, path) for section in group if reaches(role, section.role)] for group in SECTIONS]
    return [group for group in groups if group]


def _entry(section: Section, path: str) -> Entry:
    exact = path == section.href
    return Entry(section.href, section.label, section.icon, exact or section.holds(path), exact)
