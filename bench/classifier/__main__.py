"""How well and how fast the classifier answers: `python -m bench.classifier DATA [--dev] [--wrong]`.

Without `--dev` the servers that were set aside are measured, and that is done once: who tunes afterwards has nothing
left to measure. With `--dev` nothing of them is read. The classifier never sees the hints that it is compared with.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Sequence
from pathlib import Path

from bench.classifier.agreement import HEAD, agreement, rate
from bench.classifier.data import HERE, Json, adjudicated, by_server, labels, set_aside
from bench.classifier.labelled import accuracy, by_confidence, confusion

from toolgate.classifier import VERSION
from toolgate.classifier.classify import Classification, classify_all
from toolgate.policy.categories import PRECEDENCE

SAMPLES = {
    "the first sample, opened after its measurement": "labels.jsonl",
    "the second sample, opened after its measurement": "labels_second.jsonl",
    "the third sample, opened after its measurement": "labels_third.jsonl",
    "the fourth sample": "labels_fourth.jsonl",
    "the fifth sample, of one reader": "labels_fifth.jsonl",
    "the sample of words that sound like money or deletion": "risky_labels.jsonl",
}
OPENED = frozenset({"composio/github", "microsoft/mcp/azure"})
"""Set aside at first, and opened for tuning later: the one with the first sample, the other with the second."""
Servers = list[tuple[str, list[Json]]]
Answered = list[tuple[str, Json, Classification]]


def main() -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m bench.classifier")
    parser.add_argument("data", type=Path, help="definitions as JSON lines, gzipped or not")
    parser.add_argument("--dev", action="store_true", help="measure the development servers alone")
    parser.add_argument("--wrong", action="store_true", help="name every tool that comes out otherwise")
    given = parser.parse_args()
    servers = by_server(given.data, dev=given.dev)
    answered = _timed(servers)
    if given.dev:
        _hints("development servers", answered, dev=True, wrong=given.wrong)
        _labelled("development servers", answered, "dev_labels.jsonl", wrong=given.wrong)
        return 0
    aside = [each for each in answered if set_aside(each[0])]
    _hints("servers set aside", aside, dev=False, wrong=given.wrong)
    _hints("servers set aside to the end", [each for each in aside if each[0] not in OPENED], dev=False)
    for what, file in SAMPLES.items():
        _labelled(what, aside, file, wrong=given.wrong)
    return 0


def _timed(servers: Servers) -> Answered:
    """Every tool's answer; prints what it cost."""
    count = sum(len(tools) for _, tools in servers)
    classify_all([], "")  # reads the lexicon
    begin = time.process_time()
    answers = [(server, tools, classify_all(tools, server)) for server, tools in servers]
    spent = time.process_time() - begin
    each = 1e6 * spent / count if count else 0.0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"lexicon {VERSION}: {count} tools of {len(servers)} servers in {spent:.2f} s, {each:.0f} us a tool")
    print(f"peak memory with all definitions held: {peak:.0f} MiB\n")
    return [(server, tool, said) for server, tools, found in answers for tool, said in zip(tools, found, strict=True)]


def _hints(what: str, answered: Answered, *, dev: bool, wrong: bool = False) -> None:
    said = [(server, tool, answer.category) for server, tool, answer in answered]
    for name, truths in (("raw", {}), ("adjudicated", adjudicated(dev=dev))):
        found = agreement(said, truths)
        print(f"Agreement with the hints of {what}, {name}")
        _table(("source", *HEAD), [(source, *found[source].row()) for source in sorted(found)])
        if wrong and name == "adjudicated" and "all" in found:
            print("\n".join(found["all"].missed), end="\n\n")


def _labelled(what: str, answered: Answered, file: str, *, wrong: bool) -> None:
    answers = {(server, tool["name"]): answer for server, tool, answer in answered}
    found = accuracy(answers, labels(HERE / file))
    total = sum(found.pairs.values())
    print(f"Accuracy on {total} labelled tools of {what}: {rate(found.right, total)}")
    plain = accuracy(answers, labels(HERE / file, sure=True))
    certain = sum(plain.pairs.values())
    if 0 < certain < total:
        print(f"of them {certain} that no reader doubted: {rate(plain.right, certain)}")
    _table(("label", *PRECEDENCE, "right"), confusion(found))
    _table(("confidence", "tools", "right"), by_confidence(found))
    if wrong:
        print("\n".join(found.wrong))


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table in Markdown."""
    for row in (head, ["---"] * len(head), *rows):
        print(f"| {' | '.join(row)} |")
    print()


if __name__ == "__main__":
    raise SystemExit(main())
