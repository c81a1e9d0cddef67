"""What a server says beside its tools, as a scan has it: its instructions, prompts, resources and templates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final, get_args

from toolgate.classifier.hazards.hazard import Hazard
from toolgate.classifier.hazards.items import NAMED_BY, ItemKind

KINDS: Final[tuple[ItemKind, ...]] = get_args(ItemKind)
_LONGEST: Final = 500


@dataclass(slots=True, frozen=True)
class Item:
    """One of them, `said` as it came: of whatever shape."""

    kind: ItemKind
    said: object = field(repr=False)

    @property
    def name(self) -> str:
        """The text by which a client asks for it; "" where there is none."""
        name = self.said.get(NAMED_BY[self.kind]) if isinstance(self.said, Mapping) and self.kind in NAMED_BY else None
        return name if isinstance(name, str) else ""

    @property
    def label(self) -> str:
        """What findings and ignore lists call it."""
        return label(self.kind, self.name)


def label(kind: ItemKind, name: str) -> str:
    """`prompt NAME`, `resource URI`, `template URI` or `instructions`; the kind alone where there is no name.

    Of a name that no screen holds the beginning stands there, and a digest of all of it.
    """
    if len(name) > _LONGEST:
        name = f"{name[:_LONGEST]}... {sha256(name.encode()).hexdigest()[:16]}"
    return f"{kind} {name}" if name else kind


@dataclass(slots=True, frozen=True)
class Beside:
    """All of a server's. `problems` are about its lists: what of them is not of their shape, or could not be read."""

    items: tuple[Item, ...] = ()
    problems: tuple[Hazard, ...] = ()


NOTHING: Final = Beside()
