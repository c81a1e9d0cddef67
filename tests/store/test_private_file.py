"""A database file of our own stays ours, and whole while another connection of this process is open."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from toolgate.store.directory import private_file
from toolgate.store.errors import StoreError

WRITES = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("INSERT INTO t VALUES (1)")
connection.close()
"""


def test_a_file_in_use_keeps_its_log_when_it_is_made_private_again(tmp_path: Path) -> None:
    file = tmp_path / "a.db"
    private_file(file)
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE t (x)")
        private_file(file)
        subprocess.run([sys.executable, "-c", WRITES, str(file)], check=True)
        assert (tmp_path / "a.db-wal").exists()
        assert connection.execute("SELECT count(*) FROM t").fetchone() == (1,)


def test_an_open_mode_is_tightened(tmp_path: Path) -> None:
    file = tmp_path / "a.db"
    file.touch(mode=0o644)
    private_file(file)
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("target", ["there", "not-there"])
def test_a_link_is_not_followed(tmp_path: Path, target: str) -> None:
    (tmp_path / "there").touch(mode=0o644)
    link = tmp_path / "a.db"
    link.symlink_to(tmp_path / target)
    with pytest.raises(StoreError, match="symbolic link"):
        private_file(link)
    assert (tmp_path / "there").stat().st_mode & 0o777 == 0o644
