"""The stored catalogue with all definitions of the data: loading, importing, searching, reading it whole.

    python -m bench.catalogue [--json] [--rounds 3] [DATA]

Search is measured as it is used: the words that people type, some misspelt, with filters and without, each with its
count and its first page. `cold`: each query on a connection of its own that has read nothing; `warm`: on one that is
kept; `through HTTP`: asked of the REST API of a gateway that runs, one after the other on one connection. Times are of
the clock, and of this process's CPU, because a busy machine shows in the first alone.
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from string import ascii_lowercase
from typing import Any
from urllib.parse import urlencode

from tests.gateway.running import Gateway

from toolgate.catalogue.box import pack, shipped
from toolgate.catalogue.identity import facts_of
from toolgate.catalogue.index import SHORTEST
from toolgate.catalogue.lines import Lines, read_lines
from toolgate.catalogue.store import Catalogue, open_catalogue
from toolgate.catalogue.terms import name_terms
from toolgate.store import tokens

DATA = Path(__file__).parents[2] / "shared" / "data" / "mcp_tools.jsonl.gz"
TOGETHER = 100
WORDS = """
run, delete, stripe, github, filesystem, refund, postgres, browser, email, slack, docker, delete repository,
create issue, send email, list users, run sql query, createIssue, create_issue, get weather forecast, search web,
read file, upload file to drive, google calendar event, aws s3 bucket, screenshot page, stripee, delte_repo, kuberntes,
playwrihgt, postgers query, githb isue, get, list, file, search, a, 天气, xyzzyq, hub
"""
FILTERED: Sequence[tuple[str, dict[str, Any]]] = (
    ("delete", {"category": "Destructive"}),
    ("", {"category": "Financial"}),
    ("", {"risk": "Critical", "signal": "path"}),
    ("file", {"signal": "path", "category": "Write"}),
    ("payment", {"risk": "Critical"}),
    ("issue", {"server": "github--github-mcp-server"}),
    ("", {}),
)
QUERIES: Sequence[tuple[str, dict[str, Any]]] = (*((words.strip(), {}) for words in WORDS.split(",")), *FILTERED)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?", type=Path, default=DATA)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        found = measured(Path(place), chosen.data, chosen.rounds)
    if chosen.json:
        print(json.dumps(found))
        return
    for name, value in found.items():
        print(f"{name:34} {value}")


def measured(place: Path, data: Path, rounds: int) -> dict[str, Any]:
    """All numbers: seconds for what is done once, milliseconds for searches, bytes for sizes."""
    found: dict[str, Any] = {}
    lines = _timed(found, "read the file", lambda: read_lines(data))
    found["tools"] = sum(map(len, lines.servers.values()))
    box = _timed(found, "pack the box", lambda: pack(lines.servers))
    found["bytes of the box"] = len(box)
    found["bytes of the box that is shipped"] = len(shipped())
    _timed(found, "load the box", lambda: _load(place))
    with open_catalogue(place) as catalogue:
        _timed(found, "import everything", lambda: _import(catalogue, lines))
        _timed(found, "import it again", lambda: _import(catalogue, lines))
        _timed(found, "judge everything again", catalogue.reclassify)
        _timed(found, "read every server and tool", lambda: (catalogue.all_servers(), list(catalogue.all_tools())))
        found["found in the first ten"], found["the same after a slip"] = _slips(catalogue)
        warm = [each for _ in range(rounds) for each in _searches(catalogue)]
    found["bytes of catalogue.db"] = (place / "catalogue.db").stat().st_size
    cold = [each for _ in range(rounds) for each in _cold(place)]
    for name, times in (("warm", warm), ("cold", cold)):
        for clock, values in zip(("ms", "ms CPU"), zip(*times, strict=True), strict=True):
            found[f"search {name}, {clock}"] = _spread(values)
    found["search through HTTP, ms"] = _spread(_through_http(place / "served", rounds))
    return found


def _spread(values: Sequence[float]) -> dict[str, float]:
    cuts = statistics.quantiles(values, n=100)
    return {"p50": round(cuts[49], 1), "p95": round(cuts[94], 1), "most": round(max(values), 1)}


def _timed(found: dict[str, Any], name: str, work: Callable[[], Any]) -> Any:
    started, busy = time.perf_counter(), time.process_time()
    result = work()
    seconds = (time.perf_counter() - started, time.process_time() - busy)
    found[f"{name}, s"] = round(seconds[0], 2)
    found[f"{name}, s CPU"] = round(seconds[1], 2)
    return result


def _load(place: Path) -> None:
    with open_catalogue(place):
        pass


def _import(catalogue: Catalogue, lines: Lines) -> None:
    names = list(lines.servers)
    for start in range(0, len(names), TOGETHER):
        with catalogue.together():
            for name in names[start : start + TOGETHER]:
                catalogue.put(facts_of(name), lines.servers[name], source="import", now=time.time())


def _slips(catalogue: Catalogue) -> tuple[str, str]:
    """Of 400 names, how many are among the first ten when they are sought, and when one letter is wrong."""
    chance = random.Random(4)
    names = [name_terms(entry.name) for entry in chance.sample(list(catalogue.all_tools()), 400)]
    sought = [words for words in names if any(len(word) > SHORTEST for word in words)]
    exact = sum(_is_first(catalogue, words, words) for words in sought)
    slipped = sum(_is_first(catalogue, words, _with_slip(words, chance)) for words in sought)
    return f"{exact} of {len(sought)}", f"{slipped} of {len(sought)}"


def _is_first(catalogue: Catalogue, words: list[str], typed: list[str]) -> bool:
    found = catalogue.tools(sought=" ".join(typed), limit=10)
    return "".join(words) in ("".join(name_terms(entry.name)) for entry in found.items)


def _with_slip(words: list[str], chance: random.Random) -> list[str]:
    """One letter left out, doubled by another, replaced, or exchanged with its neighbour; the first and last stay."""
    place = chance.choice([place for place, word in enumerate(words) if len(word) > SHORTEST])
    word, other = words[place], chance.choice(ascii_lowercase)
    at = chance.randrange(1, len(word) - 1)
    before, letter, after = word[:at], word[at], word[at + 1 :]
    slips = (before + after, before + other + letter + after, before + other + after)
    slip = chance.choice((*slips, before + after[:1] + letter + after[1:]))
    return [*words[:place], slip, *words[place + 1 :]]


def _searches(catalogue: Catalogue) -> list[tuple[float, float]]:
    return [_search(catalogue, words, filters) for words, filters in QUERIES]


def _cold(place: Path) -> list[tuple[float, float]]:
    times = []
    for words, filters in QUERIES:
        with open_catalogue(place, box=b"") as catalogue:
            times.append(_search(catalogue, words, filters))
    return times


def _through_http(data: Path, rounds: int) -> list[float]:
    """Milliseconds until the last byte of each answer, without the very first, which unpacks the box."""
    gateway = Gateway(data).start()
    try:
        token = tokens.add(gateway.engine, "bench", "bench", "viewer").secret
        connection = http.client.HTTPConnection("127.0.0.1", gateway.control_port, timeout=60)
        headers = {"Authorization": f"Bearer {token}"}
        _ask(connection, headers, "", {})
        return [_ask(connection, headers, words, filters) for _ in range(rounds) for words, filters in QUERIES]
    finally:
        gateway.stop()


def _ask(connection: http.client.HTTPConnection, headers: dict[str, str], words: str, filters: dict[str, Any]) -> float:
    sought = urlencode({name: value for name, value in {"q": words, **filters}.items() if value})
    started = time.perf_counter()
    connection.request("GET", f"/api/v1/catalogue/tools?{sought}", headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != 200:
        raise SystemExit(f"the gateway answers {answer.status}: {body[:200]!r}")
    return (time.perf_counter() - started) * 1000


def _search(catalogue: Catalogue, words: str, filters: dict[str, Any]) -> tuple[float, float]:
    started, busy = time.perf_counter(), time.process_time()
    catalogue.tools(sought=words, **filters)
    return (time.perf_counter() - started) * 1000, (time.process_time() - busy) * 1000


if __name__ == "__main__":
    main()
