"""The search of a site of files: its files are small, hold every tool, and the script finds in them."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from toolgate.site.search_index import shard_of

NODE = Path(__file__).parents[2] / ".venvs/bin/node"


def test_every_tool_is_in_the_shard_of_each_of_its_words(site: Path) -> None:
    servers = json.loads((site / "search/servers.json").read_text())
    counts = json.loads((site / "search/words.json").read_text())
    place = next(number for number, server in enumerate(servers) if server[1] == "acme--cargo")
    for word in ("remove", "crate", "cargo"):
        assert counts[word] >= 1
        shard = dict(json.loads((site / f"search/shard-{shard_of(word)}.json").read_text()))
        assert "remove_crate" in [row[0] for row in shard[place]]


def test_words_of_every_script_have_a_shard_with_a_plain_name(site: Path) -> None:
    assert shard_of("高") == shard_of("é") == shard_of("a\u0301") == "other"
    assert all(file.name.isascii() for file in (site / "search").iterdir())


@pytest.mark.slow
def test_the_script_finds_what_is_meant(site: Path) -> None:
    if not NODE.exists():
        (pytest.fail if os.environ.get("CI") else pytest.skip)("node is not installed in .venvs")
    words = [str(NODE), str(Path(__file__).parent / "finding.test.mjs"), str(site)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
