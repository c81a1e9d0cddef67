"""Names of one list that stand twice, or that a person cannot tell apart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from toolgate.classifier.hazards.hazard import Hazard
from toolgate.classifier.hazards.letters import skeleton


def same_names(names: Iterable[str], place: str) -> Iterator[tuple[str, Hazard]]:
    """The later name of each pair with what is wrong with it; `place` is where names stand in a definition."""
    looks: dict[str, str] = {}
    seen: set[str] = set()
    for name in names:
        if name in seen:
            yield name, Hazard("duplicate-name", place, "is listed more than once")
            continue
        seen.add(name)
        other = looks.setdefault(skeleton(name), name)
        if other.lower() != name.lower():
            yield name, Hazard("look-alike-name", place, f"looks like `{other[:100]}`", other[:200])
