"""What calls said is kept only where a server is set to it: sealed, for some days, never at the cost of a call."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.gateway.running import ALLOW_ALL, Gateway, Grant, Recorder

from toolgate.gateway import captures as queue
from toolgate.gateway.captures import Captures
from toolgate.keys import MasterKey, SealBroken
from toolgate.store import servers
from toolgate.store.captures import FILE, SEAL, Capture, forget, keep, open_capture
from toolgate.store.errors import BadInput

pytestmark = pytest.mark.slow

SECRET = "4711-secret"


def capturing(gateway: Gateway, recorder: Recorder, days: int | None = 7, document: Any = ALLOW_ALL) -> Grant:
    grant = gateway.grant(gateway.add_server(recorder.url), document)
    servers.capture(gateway.engine, "test", grant.server, days)
    gateway.settle()
    return grant


async def captured(grant: Grant) -> Any:
    """What the newest decision said, as soon as it is stored."""
    master = MasterKey.load(grant.gateway.data)
    async with asyncio.timeout(20):
        while True:
            decisions = grant.decisions()
            said = open_capture(grant.gateway.data, master, decisions[-1].decision_id) if decisions else None
            if said is not None:
                return said
            await asyncio.sleep(0.02)


async def test_what_a_call_said_can_be_opened_by_its_decision(gateway: Gateway, recorder: Recorder) -> None:
    grant = capturing(gateway, recorder)
    await grant.call("run", {"card": SECRET, "amount": 1.50})
    said = {"method": "tools/call", "params": {"name": "run", "arguments": {"card": SECRET, "amount": 1.5}}}
    assert await captured(grant) == said


async def test_denied_calls_are_kept_as_well(gateway: Gateway, recorder: Recorder) -> None:
    grant = capturing(gateway, recorder, document={"version": "1", "default": "deny"})
    assert (await grant.call("run", {"card": SECRET})).denied or recorder.calls == []
    assert (await captured(grant))["params"]["arguments"] == {"card": SECRET}


async def test_without_the_setting_nothing_is_kept(gateway: Gateway, recorder: Recorder) -> None:
    off, on = capturing(gateway, recorder, None), capturing(gateway, recorder)
    await off.call("run", {"card": SECRET})
    await on.call("run", {})
    await captured(on)
    master = MasterKey.load(gateway.data)
    assert [open_capture(gateway.data, master, it.decision_id) for it in off.decisions()] == [None]


async def test_no_value_lies_in_the_clear(gateway: Gateway, recorder: Recorder) -> None:
    grant = capturing(gateway, recorder)
    await grant.call("run", {"card": SECRET})
    await captured(grant)
    files = [path for path in gateway.data.rglob("*") if path.is_file()]
    assert [path.name for path in files if SECRET.encode() in path.read_bytes()] == []
    assert (gateway.data / FILE).stat().st_mode & 0o077 == 0


async def test_switching_it_on_ends_no_stream_and_no_session(gateway: Gateway, recorder: Recorder) -> None:
    grant = capturing(gateway, recorder, None)
    servers.capture(gateway.engine, "test", grant.server, 30)
    gateway.settle()
    assert (await grant.call("run")).status == 200


@pytest.mark.parametrize("days", [0, -1, 366])
def test_a_number_of_days_beyond_a_year_is_refused(gateway: Gateway, recorder: Recorder, days: int) -> None:
    server = gateway.add_server(recorder.url)
    with pytest.raises(BadInput, match="number of days"):
        servers.capture(gateway.engine, "test", server, days)


def stored(data: Path, *texts: bytes, days: int = 1, when: float | None = None) -> MasterKey:
    master = MasterKey.load(data)
    at = time.time() if when is None else when
    keep(data, master.sealer(SEAL), [Capture(f"d{n}", "s", at, days, text) for n, text in enumerate(texts)])
    return master


def test_a_capture_that_is_too_old_is_deleted(tmp_path: Path) -> None:
    master = stored(tmp_path, b'{"method":"a"}', when=time.time() - 90_000)
    assert open_capture(tmp_path, master, "d0") is None
    stored(tmp_path, b'{"method":"b"}', b'{"method":"c"}')
    assert open_capture(tmp_path, master, "d1") == {"method": "c"}
    assert forget(tmp_path, "s") == 2


def test_a_capture_that_is_moved_to_another_decision_does_not_open(tmp_path: Path) -> None:
    master = stored(tmp_path, b'{"method":"a"}', b'{"method":"b"}')
    with closing(sqlite3.connect(tmp_path / FILE)) as db, db:
        db.execute("UPDATE captures SET sealed = (SELECT sealed FROM captures WHERE decision = 'd1')")
    with pytest.raises(SealBroken):
        open_capture(tmp_path, master, "d0")


def call_of(number: int, size: int = 1) -> Any:
    """As much of a call as is kept."""
    row = SimpleNamespace(capture=1)
    access = SimpleNamespace(server=SimpleNamespace(row=row), server_id="s")
    message = SimpleNamespace(method="tools/call", params={})
    return SimpleNamespace(id=f"c{number}", access=access, message=message, tool="run", arguments={"x": "y" * size})


async def test_a_full_queue_drops_the_text_and_counts_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(queue, "MOST", 2)
    kept = Captures(tmp_path, MasterKey.load(tmp_path).sealer(SEAL))
    for number in range(5):
        kept.take(call_of(number))
    kept.take(call_of(9, queue.LONGEST))
    await kept.store()
    assert kept.dropped == 4
    assert "4 calls were not captured" in capsys.readouterr().err
    master = MasterKey.load(tmp_path)
    assert [bool(open_capture(tmp_path, master, f"c{number}")) for number in range(5)] == [True, True, *[False] * 3]


async def test_a_file_that_cannot_be_written_costs_no_call(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / FILE).mkdir()
    kept = Captures(tmp_path, MasterKey.load(tmp_path).sealer(SEAL))
    kept.take(call_of(1))
    await kept.store()
    assert kept.dropped == 1
    assert "were not stored" in capsys.readouterr().err
