"""The table of behaviours in docs/http.md and the tests name each other."""

from __future__ import annotations

import re
from pathlib import Path

from toolgate.wire.limits import PoolLimits, ServerLimits

HERE = Path(__file__).parent
ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in (HERE.parents[1] / "docs" / "http.md").read_text().splitlines()
    if line.startswith("| ") and not line.startswith("| behaviour")
]


def test_every_row_names_tests_that_exist() -> None:
    source = "\n".join(path.read_text() for path in HERE.glob("test_*.py"))
    exist = set(re.findall(r"^(?:async )?def (test_\w+)", source, re.MULTILINE))
    named = [re.findall(r"`(test_\w+)`", row[-1]) for row in ROWS]
    assert len(ROWS) > 50
    assert all(named)
    assert {name for names in named for name in names} - exist == set()


def test_every_row_has_its_four_cells() -> None:
    assert {len(row) for row in ROWS} == {4}


def test_the_numbers_of_the_table_are_the_defaults() -> None:
    server, pool = ServerLimits(), PoolLimits()
    assert (server.head_bytes, server.target_bytes, server.header_count) == (16384, 8192, 100)
    assert (server.head_timeout, server.body_stall, server.body_timeout) == (10, 15, 300)
    assert (server.write_stall, server.idle_timeout, server.linger) == (30, 75, 2)
    assert (server.held_bytes, server.connections, server.tick) == (65536, 20_000, 0.5)
    assert (pool.head_bytes, pool.held_bytes, pool.idle_timeout, pool.idle_timeout_max) == (32768, 131072, 4, 60)
    assert (pool.backoff, pool.tick) == (0.5, 0.5)
