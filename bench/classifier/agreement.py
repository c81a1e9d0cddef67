"""Agreement with the hints that authors gave: how many reads are found, and how many that destroy."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from bench.classifier.data import Json

RISKY = frozenset({"Destructive", "Financial", "Execute"})
Known = Mapping[tuple[str, str], str]


@dataclass
class Agreement:
    """Counts of one source or of all; a rate of nothing is None."""

    reads: int = 0
    said_reads: int = 0
    both_read: int = 0
    destroys: int = 0
    found: int = 0
    missed: list[str] = field(default_factory=list)

    def count(self, hints: Json, said: str, truth: str | None, name: str) -> None:
        """One tool; `truth` is what people found where its hint is contradicted, None elsewhere."""
        claim = hints.get("readOnlyHint")
        if isinstance(claim, bool):
            read = truth == "Read" if truth else claim
            self.reads += read
            self.said_reads += said == "Read"
            self.both_read += read and said == "Read"
            if read != (said == "Read"):
                self.missed.append(f"{name}: {said}, {'reads' if read else 'does not read'}")
        destroys = hints.get("destructiveHint") is True and claim is not True
        if truth in RISKY if truth and "destructiveHint" in hints else destroys:
            self.destroys += 1
            self.found += said in RISKY
            if said not in RISKY:
                self.missed.append(f"{name}: {said}, destroys")

    def row(self) -> tuple[str, ...]:
        """The counts and rates as a line of a table."""
        return (
            str(self.reads),
            rate(self.both_read, self.said_reads),
            rate(self.both_read, self.reads),
            str(self.destroys),
            rate(self.found, self.destroys),
        )


HEAD = ("reads", "precision", "recall", "destructive", "recall")


def rate(part: int, whole: int) -> str:
    """A share in per cent, `-` where there is nothing to share."""
    return f"{100 * part / whole:.1f} %" if whole else "-"


def agreement(tools: Iterable[tuple[str, Json, str]], truths: Known) -> dict[str, Agreement]:
    """By source, and `all`; `truths` is empty for the raw count."""
    found: dict[str, Agreement] = defaultdict(Agreement)
    for server, tool, said in tools:
        if tool["hints"]:
            truth = truths.get((server, tool["name"]))
            for key in (tool["source_repo"], "all"):
                found[key].count(tool["hints"], said, truth, f"{server}/{tool['name']}")
    return found
