"""Builds the whole site of the catalogue and says how long it took and how large it is: `python -m bench.site [DATA]`.

DATA is a data directory with a catalogue; without it the one that comes in the box is built.
"""

from __future__ import annotations

import gzip
import json
import os
import sys
import tempfile
import time
from pathlib import Path

from toolgate.catalogue.store import open_catalogue
from toolgate.site.builder import build
from toolgate.site.collection import Collection
from toolgate.site.surroundings import Surroundings

LIMIT = 90.0
"""Seconds that a build may take."""
SAMPLE = 50
"""Each so many files one is packed, to tell what a server that packs its answers would send."""


def main() -> int:
    data = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    processes = os.cpu_count() or 1
    with open_catalogue(data) as catalogue, tempfile.TemporaryDirectory() as place:
        started = time.monotonic()
        collection = Collection(catalogue.all_servers(), catalogue.all_tools())
        read = time.monotonic() - started
        here = Surroundings(origin="https://tools.example", files=True)
        built = build(collection, Path(place) / "site", here, processes=processes)
        took = time.monotonic() - started
        packed = packed_share(Path(place) / "site")
        largest = max((file.stat().st_size, file.name) for file in Path(place).glob("site/search/*.json"))
    told = {
        "processes": processes,
        "servers": built.servers,
        "tools": built.tools,
        "pages": built.pages,
        "files": built.files,
        "megabytes": round(built.bytes / 2**20),
        "megabytes_packed": round(built.bytes * packed / 2**20),
        "largest_search_file": largest[1],
        "largest_search_file_kilobytes": round(largest[0] / 1024),
        "seconds_to_read": round(read, 1),
        "seconds": round(took, 1),
    }
    print(json.dumps(told, indent=2))
    return 0 if took < LIMIT else 1


def packed_share(site: Path) -> float:
    """The share of their size that files have when each is packed."""
    files = sorted(file for file in site.rglob("*") if file.is_file())[::SAMPLE]
    contents = [file.read_bytes() for file in files]
    return sum(len(gzip.compress(content)) for content in contents) / sum(map(len, contents))


if __name__ == "__main__":
    raise SystemExit(main())
