"""What the rules for answers cost for each answer of 1 KB: clean, with other letters, and with something hidden.

    .venv/bin/python -m bench.answers

Prints nanoseconds of CPU for one inspected answer (medians of interleaved rounds) by default and where secrets are
looked for, too, and what of the first is the look for hidden characters; then megabytes a second for long answers.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from statistics import median
from time import process_time_ns
from typing import Any, cast

from toolgate.gateway.call import Call, Ending
from toolgate.gateway.inspection import Inspector
from toolgate.policy.compiler import Policy, compile_policy
from toolgate.policy.document import parse
from toolgate.protocol.hidden_text import Filter, suspicious
from toolgate.protocol.messages import Message

ROUNDS, CALLS = 41, 1_000
LINE = "A line of an ordinary answer, with a path such as /srv/data/report.txt and 42 numbers in it.\n"
OTHER = "Eine Zeile mit Umlauten, größer als ‘nötig’, für 3 € — und “Zitaten” …, 日本語.\n"
POLICIES: dict[str, dict[str, Any]] = {
    "default": {},
    "redact all": {"all_tools": {"response": {"redact": ["all"]}}},
}


@dataclass
class Access:
    """As much of an access as looking at an answer needs."""

    policy: Policy


def answer(text: str, *, plain: bool = False) -> bytes:
    message = {"jsonrpc": "2.0", "id": 1, "result": {"content": [{"type": "text", "text": text}], "isError": False}}
    return json.dumps(message, ensure_ascii=plain).encode()


ANSWERS = {
    "ASCII on one line": answer(LINE.strip() * 10),
    "ASCII in lines": answer(LINE * 10),
    "UTF-8 in lines": answer((LINE * 2 + OTHER) * 4),
    "the same in escapes": answer((LINE * 2 + OTHER) * 3, plain=True),
    "with one hidden character": answer(LINE * 5 + "\u202e" + LINE * 5),
}


def inspecting(document: dict[str, Any], raw: bytes) -> Callable[[], object]:
    """One answer looked at again and again."""
    access = Access(compile_policy(parse(json.dumps({"version": "1", "default": "allow", **document}))))
    message = Message("request", 1, "tools/call", {"name": "run"}, {})
    call = Call("d", cast("Any", access), cast("Any", None), message, "run", {}, "2025-11-25", modern=False)
    inspect = Inspector(cast("Any", None), cast("Any", None), cast("Any", None)).inspect
    return lambda: inspect(raw, call, Ending())


def nanoseconds(work: Callable[[], object], calls: int) -> float:
    start = process_time_ns()
    for _ in range(calls):
        work()
    return (process_time_ns() - start) / calls


def filtering(raw: bytes) -> float:
    """Megabytes a second of a long answer through the filter, in pieces as they come from a socket."""
    pieces = [raw[at : at + 65_536] for at in range(0, len(raw), 65_536)]

    def work() -> None:
        taking = Filter()
        for piece in pieces:
            taking.feed(piece)
        taking.end()

    return len(raw) / nanoseconds(work, 3) * 1000


def main() -> None:
    for name, raw in ANSWERS.items():
        works = {policy: inspecting(document, raw) for policy, document in POLICIES.items()}
        works["the look"] = partial(suspicious, raw)
        timed: dict[str, list[float]] = {policy: [] for policy in works}
        for _ in range(ROUNDS):
            for policy, work in works.items():
                timed[policy].append(nanoseconds(work, CALLS))
        told = ", ".join(f"{policy} {median(values):.0f}" for policy, values in timed.items())
        print(f"{name} ({len(raw)} bytes): {told} ns")
    for name, raw in (("plain", answer(LINE * 40_000)), ("UTF-8", answer(OTHER * 40_000))):
        print(f"a long answer, {name}, on its way: {filtering(raw):.0f} MB/s")


if __name__ == "__main__":
    main()
