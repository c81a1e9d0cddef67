"""`kill -9` before each change that a rotation makes to the disk: whatever was done, starting it again finishes it."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from toolgate.audit.verify import verify
from toolgate.keys import MasterKey
from toolgate.rotation import Ring
from toolgate.store.database import open_database
from toolgate.store.sealed import census

from .test_rotation import Place, _no_named_key, signed  # noqa: F401 - the fixture holds here, too

pytestmark = pytest.mark.slow

CHANGES = {"os.link", "os.rename", "os.remove", "os.mkdir", "sqlite3.connect"}
MOST = 60
FORK = multiprocessing.get_context("fork")


def killed(step: Callable[[Ring], object], data: Path, change: int) -> bool:
    """Run a step in a process that is killed before its change number so-and-so; False when it has fewer."""
    process = FORK.Process(target=_die, args=(step, data, change))
    process.start()
    process.join()
    assert process.exitcode in {0, -signal.SIGKILL}
    return process.exitcode != 0


def _die(step: Callable[[Ring], object], data: Path, change: int) -> None:
    ring = Ring(data, open_database(data), "test", 5.0, lambda _step: None)
    left = change

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal left
        writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        if writes or event in CHANGES:
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
    step(ring)
    os._exit(0)


def copied(template: Path, name: str) -> Path:
    return Path(shutil.copytree(template, template.parent / name))


@pytest.fixture
def template(tmp_path: Path) -> Place:
    place = Place(tmp_path / "template")
    master = MasterKey.load(place.data)
    asyncio.run(signed(place.data / "journal", master))
    place.engine.dispose()
    return place


def again(template: Place, data: Path) -> Place:
    """The same installation in another directory."""
    place = object.__new__(Place)
    place.data, place.engine, place.said = data, open_database(data), []
    place.ring = Ring(data, place.engine, "test", 5.0, place.said.append)
    place.server, place.approval = template.server, template.approval
    return place


def test_a_rotation_that_is_killed_anywhere_is_finished_by_the_next(template: Place) -> None:
    old = MasterKey.load(template.data)
    for change in range(MOST):
        place = again(template, copied(template.data, f"killed{change}"))
        dies = killed(Ring.rotate, place.data, change)
        assert place.opened() == ("secret", b"the call")
        assert verify(place.data / "journal", old.public_keys()).valid
        if not dies:
            break
        finished = "master.key.next" not in place.files() and MasterKey.load(place.data).id != old.id
        if not finished:
            assert place.ring.rotate().old == old.id
            assert list(place.data.glob(".master.key.*")) == []
        master = MasterKey.load(place.data)
        assert place.files() == ["master.key", f"master.key.{old.id}"]
        assert place.opened() == ("secret", b"the call")
        assert {key for count in census(place.data).values() for key in count} == {master.id}
        for key in master.ring:
            assert verify(place.data / "journal", [key.signer().public_key()]).valid
        place.engine.dispose()
    assert 10 < change < MOST - 1


def test_a_retirement_that_is_killed_anywhere_is_finished_by_the_next(template: Place) -> None:
    old = template.ring.rotate().old
    template.engine.dispose()
    for change in range(MOST):
        place = again(template, copied(template.data, f"killed{change}"))
        dies = killed(lambda ring: ring.retire(old, at_once=True), place.data, change)
        if not dies:
            break
        if f"master.key.{old}" in place.files():
            place.ring.retire(old, at_once=True)
        assert place.files() == ["master.key"]
        assert place.opened() == ("secret", b"the call")
        assert verify(place.data / "journal", MasterKey.load(place.data).public_keys()).valid
        place.engine.dispose()
    assert 3 < change < MOST - 1
