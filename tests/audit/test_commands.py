"""`toolgate audit`, as its user runs it."""

import asyncio
import csv
import io
import json
import select
import subprocess
import sys
from pathlib import Path
from typing import IO

import pytest

from toolgate.audit.chain import Chain, Head, hash_of
from toolgate.audit.checkpoints import FILE, CheckpointFile
from toolgate.audit.journal import Journal
from toolgate.audit.records import End, Entry, Refused, Sum
from toolgate.audit.segments import segments
from toolgate.cli.root import run
from toolgate.keys import MasterKey

from .samples import NOW, decision, lines, outcome, rewrite

ENTRIES: list[Entry] = [
    decision("a", grant_label="ci", tool="run"),
    outcome("a"),
    decision("b", grant_label="bot", tool="\x1b[2Jbuild\n", outcome="deny", rule="/tools/build", time=NOW + 1),
    Sum(time=NOW + 2, grant_id="g1", rule="/tools/run", count=12, since=NOW, grant_label="ci"),
    Refused(time=NOW + 3, reason="unknown token", addresses="192.0.2.0/24", count=3, since=NOW),
]


def write(data: Path, entries: list[Entry]) -> None:
    async def go() -> None:
        master = MasterKey.load(data)
        journal = Journal.open(data / "journal", master.signer(), "node", "none", master.id)
        for entry in entries:
            await journal.record(entry)
        await journal.close()

    asyncio.run(go())


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TOOLGATE_DATA", str(tmp_path))
    write(tmp_path, ENTRIES)
    return tmp_path


Capture = pytest.CaptureFixture[str]


def listed(capsys: Capture, *options: str) -> list[dict[str, object]]:
    assert run(["audit", "list", "--json", *options]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_list_prints_one_object_a_line_oldest_first(data: Path, capsys: Capture) -> None:
    found = listed(capsys)
    assert [record["kind"] for record in found] == ["decision", "decision", "sum", "refused"]
    assert found[0]["result"] == {**found[0]["result"], "result": "result", "status": 200}  # type: ignore[dict-item]
    assert found[1]["result"] is None


@pytest.mark.parametrize(
    ("options", "count"),
    [
        (["--grant", "ci"], 2),
        (["--tool", "run"], 1),
        (["--outcome", "deny"], 2),
        (["--limit", "1"], 1),
        (["--since", "2027-01-15T08:00:02+00:00"], 2),
        (["--since", "1d", "--tool", "nothing"], 0),
    ],
)
def test_list_filters(data: Path, capsys: Capture, options: list[str], count: int) -> None:
    assert len(listed(capsys, *options)) == count


def test_list_takes_the_data_directory_as_an_option(
    data: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TOOLGATE_DATA")
    assert len(listed(capsys, "--data", str(data))) == 4


def test_the_table_cannot_act_on_the_terminal(data: Path, capsys: Capture) -> None:
    assert run(["audit", "list"]) == 0
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert "\\x1b[2Jbuild\\n" in shown
    assert "12 more of this rule" in shown
    assert "3 requests from 192.0.2.0/24" in shown


def test_list_without_a_journal_says_that_there_is_nothing(tmp_path: Path, capsys: Capture) -> None:
    assert run(["audit", "list", "--data", str(tmp_path / "fresh")]) == 0
    assert capsys.readouterr().err == "no records\n"


@pytest.mark.parametrize(
    "options", [["--since", "yesterday"], ["--outcome", "maybe"], ["--limit", "0"], ["--limit", "x"]]
)
def test_list_refuses_what_it_does_not_understand(data: Path, capsys: Capture, options: list[str]) -> None:
    assert run(["audit", "list", *options]) == 2
    assert "error: " in capsys.readouterr().err


def test_verify_says_valid_with_0(data: Path, capsys: Capture) -> None:
    assert run(["audit", "verify"]) == 0
    assert capsys.readouterr().out == "valid: 7 entries in 1 chains, 2 checkpoints\n"


def test_verify_says_where_the_journal_is_broken_with_1(data: Path, capsys: Capture) -> None:
    path = segments(data / "journal")[0].path
    rewrite(path, lambda all_lines: all_lines.pop(2))
    assert run(["audit", "verify"]) == 1
    assert f"broken: {path.name}:3: entries 2 to 2 are missing before this line" in capsys.readouterr().out
    assert run(["audit", "verify", "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert report["valid"] is False
    assert (report["problems"][0]["file"], report["problems"][0]["line"]) == (path.name, 3)


def test_verify_compares_with_checkpoints_kept_elsewhere(data: Path, capsys: Capture, tmp_path: Path) -> None:
    copy = tmp_path / "copy.jsonl"
    assert run(["audit", "export", "--checkpoints", str(copy)]) == 0
    assert run(["audit", "verify", "--checkpoints", str(copy)]) == 0
    rewrite(data / "journal" / "checkpoints.jsonl", lambda all_lines: all_lines.pop())
    rewrite(segments(data / "journal")[0].path, lambda all_lines: all_lines.pop())
    assert run(["audit", "verify"]) == 0
    assert run(["audit", "verify", "--checkpoints", str(copy)]) == 1
    assert "the end was cut" in capsys.readouterr().out


def test_verify_needs_no_secret_where_the_public_key_is(data: Path, capsys: Capture, tmp_path: Path) -> None:
    assert run(["audit", "key"]) == 0
    pem = tmp_path / "journal.pem"
    pem.write_text(capsys.readouterr().out)
    (data / "master.key").unlink()
    assert run(["audit", "verify", "--public-key", str(pem)]) == 0
    assert run(["audit", "verify"]) == 2
    assert not (data / "master.key").exists()


@pytest.mark.parametrize("options", [["--checkpoints", "/none"], ["--public-key", "/none"], ["--public-key", __file__]])
def test_verify_refuses_files_that_are_not_what_they_must_be(data: Path, capsys: Capture, options: list[str]) -> None:
    assert run(["audit", "verify", *options]) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_export_writes_the_lines_as_they_are(data: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert run(["audit", "export"]) == 0
    sys.stdout.flush()
    exported = capfdbinary.readouterr().out
    assert exported.startswith(b"".join(lines(data / "journal")))
    assert exported.endswith((data / "journal" / "checkpoints.jsonl").read_bytes())


def test_export_as_csv_has_a_row_for_each_record(data: Path, capsys: Capture) -> None:
    assert run(["audit", "export", "--format", "csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["kind"] for row in rows] == ["decision", "decision", "sum", "refused"]


def test_a_cut_export_of_lines_is_refused(data: Path, capsys: Capture) -> None:
    assert run(["audit", "export", "--since", "1d"]) == 2
    assert "would break the chain of hashes" in capsys.readouterr().err


def test_prune_keeps_what_limits_are_counted_from(data: Path, capsys: Capture) -> None:
    assert run(["audit", "prune", "--before", "31d"]) == 2
    assert "keep 32 days" in capsys.readouterr().err


def test_prune_removes_old_entries_from_the_journal_and_the_list(tmp_path: Path, capsys: Capture) -> None:
    write(tmp_path, [decision("old", time=1_000_000_000.0)])
    path = segments(tmp_path / "journal")[0].path
    _make_old(tmp_path)
    assert run(["audit", "prune", "--before", "2020-01-01", "--data", str(tmp_path)]) == 0
    assert not path.exists()
    assert run(["audit", "verify", "--data", str(tmp_path)]) == 0
    capsys.readouterr()
    assert listed(capsys, "--data", str(tmp_path)) == []


def _make_old(data: Path) -> None:
    """A chain written when the old decision was: its last entry must be old, too."""
    (segment,) = segments(data / "journal")
    chain = Chain(segment.chain, "node")
    text = chain.link(decision("old", time=1_000_000_000.0)) + chain.link(End(time=1_000_000_001.0))
    segment.path.write_bytes(text)
    (data / "journal" / FILE).unlink()
    master = MasterKey.load(data)
    last = text.splitlines(keepends=True)[-1]
    CheckpointFile(data / "journal", master.signer(), master.id).append("closed", chain.id, Head(1, hash_of(last)), 0)


@pytest.mark.slow
def test_tail_shows_entries_as_they_are_written(data: Path) -> None:
    command = [sys.executable, "-m", "toolgate", "audit", "tail", "--json", "--data", str(data)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        first: dict[str, object] = {}
        for _ in range(100):
            write(data, [decision("new")])
            if first := _next(process.stdout):
                break
        process.terminate()
    assert first["kind"] in {"start", "decision", "end"}
    assert first["node"] == "node"


def _next(stream: IO[bytes]) -> dict[str, object]:
    readable, _, _ = select.select([stream], [], [], 0.5)
    return dict(json.loads(stream.readline())) if readable else {}


@pytest.mark.parametrize("command", ["list", "tail", "export", "verify", "key", "prune"])
def test_every_command_has_an_example(command: str, capsys: Capture) -> None:
    assert run(["audit", command, "--help"]) == 0
    assert f"toolgate audit {command}" in capsys.readouterr().out
