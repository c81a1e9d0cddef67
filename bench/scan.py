"""What the hazards find in a large set of real definitions, how often, and in what time.

    python bench/scan.py FILE.jsonl.gz [RULE ...]

prints how many definitions each rule fires on, and of each RULE that is named up to 30 at random (always the same), to
be read: a finding on a plain usage hint is a mistake.
"""

from __future__ import annotations

import random
import sys
import time
from collections import Counter, defaultdict

from toolgate.classifier.classify import Classification, classify_all
from toolgate.classifier.hazards.definition import hazards
from toolgate.classifier.hazards.hazard import Hazard
from toolgate.scanner.judging import Judged, Report
from toolgate.scanner.kept import read_file
from toolgate.scanner.shadowing import shadows
from toolgate.scanner.targets import Kept, Started, Target
from toolgate.store.legible import legible

_ANY = Classification("Read", "Low", "high", (), ())
Found = dict[str, list[tuple[str, str, Hazard]]]


def measure(file: str) -> tuple[Found, int, float]:
    """The findings by rule, how many definitions there were, and the seconds of the hazards alone."""
    found: Found = defaultdict(list)
    number, seconds = 0, 0.0
    for target in read_file(file):
        assert isinstance(target.way, Kept)
        tools = target.way.tools
        judged = classify_all(tools, target.name)
        began = time.process_time()
        for tool, each in zip(tools, judged, strict=True):
            number += 1
            for rule, hazard in {it.rule: it for it in reversed(hazards(tool, each))}.items():
                found[rule].append((target.name, str(tool.get("name")), hazard))
        seconds += time.process_time() - began
    return found, number, seconds


def together(file: str, groups: int = 1_000) -> Counter[str]:
    """How often servers that are put together at random, five at a time, are found to disturb each other."""
    reports = []
    for target in read_file(file):
        assert isinstance(target.way, Kept)
        tools = tuple(Judged(str(tool.get("name")), tool, _ANY, 0) for tool in target.way.tools)
        reports.append(Report(Target(target.name, Started(("server",))), tools))
    chosen = random.Random(5)  # the same groups every time
    return Counter(each.rule_id for _ in range(groups) for each in shadows(chosen.sample(reports, 5)))


def main(file: str, *rules: str) -> None:
    """Print the counts, and what was found by the rules that are named."""
    found, number, seconds = measure(file)
    print(f"{number:,} definitions in {seconds:.1f} s of one core, {1e6 * seconds / max(number, 1):.0f} us each")
    for rule, hits in sorted(found.items(), key=lambda item: -len(item[1])):
        print(f"{len(hits):6,}  {rule}")
    print(f"of 1,000 groups of five servers: {dict(together(file))}")
    chosen = random.Random(5)
    for rule in rules:
        print(f"\n{rule}")
        for server, tool, hazard in chosen.sample(found[rule], min(30, len(found[rule]))):
            print(f"  {server} {legible(tool)} {hazard.place}: {legible(hazard.detail)} | {legible(hazard.quote)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
