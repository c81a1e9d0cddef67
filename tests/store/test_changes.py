"""Both ends of the wake sockets, over real sockets."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import uvloop

from toolgate.store.changes import Confirmed, announce, listen
from toolgate.store.errors import StoreError

PATIENT = 20.0
"""Seconds that no passing run needs."""


def answering(reached: int | None = None, heard: list[int] | None = None) -> Callable[[int], Awaitable[int]]:
    """A gateway whose view is at `reached`, or wherever the writer says."""

    async def on_wake(seq: int) -> int:
        if heard is not None:
            heard.append(seq)
        return seq if reached is None else reached

    return on_wake


async def announced(data: Path, seq: int, timeout: float = PATIENT) -> Confirmed:
    return await asyncio.to_thread(announce, data, seq, timeout)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    made = tmp_path / "data"
    made.mkdir()
    return made


def test_without_any_gateway_nothing_is_waited_for(data: Path) -> None:
    assert announce(data, 7, PATIENT) == Confirmed(0, ())


async def test_each_gateway_hears_the_number_and_confirms(data: Path) -> None:
    heard: list[int] = []
    gateways = [await listen(data, answering(heard=heard)) for _ in range(3)]
    assert await announced(data, 41) == Confirmed(3, ())
    assert heard == [41, 41, 41]
    for gateway in gateways:
        await gateway.close()


async def test_a_gateway_that_is_behind_is_reported_with_its_process(data: Path) -> None:
    gateway = await listen(data, answering(reached=40))
    confirmed = await announced(data, 41)
    assert not confirmed.complete
    assert confirmed == Confirmed(0, (os.getpid(),))
    await gateway.close()


async def test_a_gateway_further_on_confirms(data: Path) -> None:
    gateway = await listen(data, answering(reached=99))
    assert (await announced(data, 41)).complete
    await gateway.close()


async def test_a_stuck_gateway_does_not_hold_the_writer_beyond_its_timeout(data: Path) -> None:
    release = asyncio.Event()

    async def stuck(seq: int) -> int:
        await release.wait()
        return seq

    slow, quick = await listen(data, stuck), await listen(data, answering())
    assert await announced(data, 1, timeout=0.2) == Confirmed(1, (os.getpid(),))
    release.set()
    await slow.close()
    await quick.close()


async def test_closing_removes_the_socket(data: Path) -> None:
    gateway = await listen(data, answering())
    await gateway.close()
    assert await announced(data, 1) == Confirmed(0, ())
    assert list((data / "wake").iterdir()) == []


def test_the_socket_of_a_dead_process_is_removed(data: Path) -> None:
    script = (
        "import asyncio, os, pathlib, sys\n"
        "from toolgate.store.changes import listen\n"
        "async def main():\n"
        "    await listen(pathlib.Path(sys.argv[1]), lambda seq: None)\n"
        "    os.kill(os.getpid(), 9)\n"
        "asyncio.run(main())\n"
    )
    subprocess.run([sys.executable, "-c", script, str(data)], check=False)
    assert len(list((data / "wake").iterdir())) == 1
    assert announce(data, 1, PATIENT) == Confirmed(0, ())
    assert list((data / "wake").iterdir()) == []


async def test_only_the_owner_may_look_into_the_directory(data: Path) -> None:
    gateway = await listen(data, answering())
    assert stat.S_IMODE((data / "wake").stat().st_mode) == 0o700
    await gateway.close()


async def test_a_deep_data_directory_works(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["a-rather-long-name-of-a-folder"] * 8)
    deep.mkdir(parents=True)
    gateway = await listen(deep, answering())
    assert await announced(deep, 5) == Confirmed(1, ())
    await gateway.close()


@pytest.mark.parametrize("said", [b"", b"\n", b"no number\n", b"9" * 100 + b"\n", b"-3\n", "٣\n".encode(), b"1 2\n"])
async def test_what_is_no_number_wakes_nobody(data: Path, said: bytes) -> None:
    heard: list[int] = []
    gateway = await listen(data, answering(heard=heard))

    def speak() -> bytes:
        with socket.socket(socket.AF_UNIX) as writer:
            writer.settimeout(PATIENT)
            writer.connect(str(gateway.path))
            writer.sendall(said)
            writer.shutdown(socket.SHUT_WR)
            try:
                return writer.recv(100)
            except ConnectionResetError:
                return b""

    assert await asyncio.to_thread(speak) == b""
    assert heard == []
    await gateway.close()


def test_a_listener_on_uvloop_answers_too(data: Path) -> None:
    async def main() -> Confirmed:
        gateway = await listen(data, answering())
        try:
            return await announced(data, 3)
        finally:
            await gateway.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(main()) == Confirmed(1, ())


async def test_a_directory_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "wake").write_text("in the way")
    with pytest.raises(StoreError) as caught:
        await listen(tmp_path, answering())
    assert caught.value.place.endswith("wake")
