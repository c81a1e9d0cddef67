"""Token files: private, whole, and recovered whatever moment a process dies at."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.configuration.conftest import House, changed
from tests.configuration.test_apply import WHOLE

from toolgate.configuration import tokens
from toolgate.configuration.tokens import Deliveries
from toolgate.keys import mint_token, token_digest
from toolgate.store import grants
from toolgate.store.errors import BadInput, StoreError

DYING = """
import os, sys
from pathlib import Path
from toolgate.configuration import apply as applying
from toolgate.configuration.apply import Options
from toolgate.configuration.reader import read_configuration_text
from toolgate.configuration.tokens import Deliveries
from toolgate.keys import MasterKey
from toolgate.store.database import open_database
from toolgate.store.headers import PURPOSE

directory, moment = Path(sys.argv[1]), sys.argv[2]
data = directory / "data"
whole = Deliveries.write

def write_and_die(self, file, token):
    whole(self, file, token)
    os._exit(9)

def die(self):
    os._exit(9)

if moment == "before the commit":
    Deliveries.write = write_and_die
else:
    Deliveries.deliver = die
configuration = read_configuration_text(sys.argv[3].encode(), "t", directory / "toolgate.yaml", {})
sealer = MasterKey.load(data).sealer(PURPOSE)
applying.apply(data, open_database(data), "test", configuration, sealer, Options())
"""


def die(house: House, moment: str) -> None:
    done = subprocess.run([sys.executable, "-c", DYING, str(house.directory), moment, WHOLE], check=False)
    assert done.returncode == 9


def test_a_crash_before_the_commit_leaves_a_token_that_opens_nothing(house: House) -> None:
    before = house.content()
    die(house, "before the commit")
    assert house.content() == before
    assert [name for name in house.files() if "token" in name] == [".ci.token.pending"]
    stale = house.files()[".ci.token.pending"]
    assert "+ grant ci: " in "\n".join(changed(house.apply(WHOLE)))
    assert [name for name in house.files() if "token" in name] == ["ci.token"]
    assert house.files()["ci.token"] != stale
    assert changed(house.apply(WHOLE)) == []


def test_a_crash_after_the_commit_leaves_the_token_where_the_next_apply_finds_it(house: House) -> None:
    die(house, "after the commit")
    assert [grant.label for grant in grants.every(house.engine, time.time())] == ["ci"]
    pending = house.files()[".ci.token.pending"]
    plan = house.apply(WHOLE)
    assert changed(plan) == [f"~ grant ci: token in {house.directory}/ci.token, completed"]
    assert plan.warnings == []
    assert house.files()["ci.token"] == pending
    assert ".ci.token.pending" not in house.files()
    assert changed(house.apply(WHOLE)) == []


def test_a_token_is_readable_by_its_owner_alone_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with Deliveries() as deliveries:
            deliveries.write(tmp_path / "t", "tg_x")
            assert stat.S_IMODE(tokens.pending(tmp_path / "t").stat().st_mode) == 0o600
            deliveries.deliver()
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "t").stat().st_mode) == 0o600


def test_what_was_not_delivered_is_taken_back(tmp_path: Path) -> None:
    with Deliveries() as deliveries:
        deliveries.write(tmp_path / "t", "tg_x")
    assert list(tmp_path.iterdir()) == []


def test_a_token_that_cannot_be_moved_is_said_to_be_beside_its_place(tmp_path: Path) -> None:
    with Deliveries() as deliveries:
        deliveries.write(tmp_path / "t", "tg_x")
        (tmp_path / "t").mkdir()
        (tmp_path / "t" / "full").touch()
        with pytest.raises(StoreError, match=r"its token is in .*/\.t\.pending"):
            deliveries.deliver()
    assert tokens.pending(tmp_path / "t").read_text() == "tg_x\n"


def test_a_link_in_place_of_the_pending_file_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("mine")
    tokens.pending(tmp_path / "t").symlink_to("precious")
    with Deliveries() as deliveries, pytest.raises(StoreError, match="the token cannot be written"):
        deliveries.write(tmp_path / "t", "tg_x")
    assert (tmp_path / "precious").read_text() == "mine"


def test_a_token_is_known_by_its_digest(tmp_path: Path) -> None:
    token = mint_token()
    (tmp_path / "t").write_text(f"  {token}\n")
    assert tokens.holds(tmp_path / "t", token_digest(token))
    assert not tokens.holds(tmp_path / "t", token_digest(mint_token()))
    assert not tokens.holds(tmp_path / "gone", token_digest(token))
    (tmp_path / "t").write_bytes(b"\xff" * 20)
    assert not tokens.holds(tmp_path / "t", token_digest(token))
    tokens.check_place(tmp_path / "new")
    with pytest.raises(BadInput):
        tokens.check_place(tmp_path / "t")
