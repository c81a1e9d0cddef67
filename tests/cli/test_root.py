"""What holds for every command: help, exit codes, no traceback, documentation; some of it as processes of their own."""

from __future__ import annotations

import os
import re
import shlex
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.cli import reference
from tests.cli.conftest import Toolgate

from toolgate.cli import exits, printing, root
from toolgate.cli.root import run

COMMANDS = dict(reference.commands())
LEAVES = {path: command for path, command in COMMANDS.items() if not hasattr(command, "list_commands")}
CHANGING = {
    *("server add", "server set", "server tools", "server remove", "server judge", "policy add", "policy remove"),
    *("grant add", "grant set", "grant rotate", "grant revoke", "grant attach", "apply"),
    *("grant stop", "grant resume", "server stop", "server resume", "keys rotate", "keys retire"),
}


def examples_of(command: Any) -> list[str]:
    """The lines under `Examples:`, continued lines joined."""
    text = str(command.epilog).partition("Examples:\n")[2].replace("\\\n", " ")
    return [line.strip() for line in text.splitlines()]


@pytest.mark.parametrize("path", ["toolgate", *LEAVES])
def test_every_command_has_help_with_an_example(path: str) -> None:
    command = COMMANDS[path]
    assert command.help
    assert examples_of(command)
    assert max(map(len, reference.help_of(path, command).splitlines())) <= 80


@pytest.mark.parametrize("path", LEAVES)
def test_every_example_is_a_command_line_of_that_command(path: str) -> None:
    for example in examples_of(LEAVES[path]):
        words = shlex.split(re.split(r" [<>|] ", example)[0])
        assert words[: len(path.split())] == path.split()
        with LEAVES[path].make_context(path, words[len(path.split()) :]) as context:
            assert context.params


def test_every_option_explains_itself() -> None:
    silent = [
        f"{path} {option.name}"
        for path, command in LEAVES.items()
        for option in command.params
        if option.param_type_name == "option" and not option.help
    ]
    assert silent == []


def test_commands_that_change_something_wait_for_gateways() -> None:
    waiting = {path.removeprefix("toolgate ") for path, it in LEAVES.items() if "wait" in {p.name for p in it.params}}
    assert waiting == CHANGING


def test_the_page_holds_the_help_of_every_command() -> None:
    """`python -m tests.cli.reference` writes it anew."""
    page = reference.PAGE.read_text()
    assert page.partition(reference.BEGIN)[2] == f"\n{reference.reference()}"


def test_the_page_names_every_exit_code() -> None:
    page = reference.PAGE.read_text()
    codes = {value for name, value in vars(exits).items() if name.isupper()}
    assert {int(code) for code in re.findall(r"^\| ([0-9]+) \|", page, re.MULTILINE)} == codes


def test_help_answers_before_anything_heavy_is_loaded() -> None:
    script = (
        "import sys\n"
        "from toolgate.cli.root import run\n"
        "code = run(['--help'])\n"
        "heavy = {'sqlalchemy', 'alembic', 'rich', 'cryptography', 'uvloop', 'jsonschema_rs', 'sqlite3', 'asyncio'}\n"
        "print(code, sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "0 []"


def test_without_a_command_the_help_goes_to_standard_error(toolgate: Toolgate) -> None:
    assert "Usage: toolgate" in toolgate(code=2).err
    assert "Usage: toolgate grant" in toolgate("grant", code=2).err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["grnat"], "no such command `grnat`, did you mean `grant`?"),
        (["nonsense"], "error: command line: no such command 'nonsense'"),
        (["grant", "nonsense"], "error: command line: no such command 'nonsense'"),
        (["grant", "list", "--nonsense"], "no such option: --nonsense"),
        (["grant", "list", "extra"], "error: command line: "),
        (["serve", "--port", "x"], "error: command line: invalid value for '--port'"),
        (["serve", "--port", "70000"], "error: command line: invalid value for '--port'"),
        (["serve", "--counters", "redis"], "error: command line: invalid value for '--counters'"),
        (["serve", "--public-url", "gate.example"], "error: --public-url: `gate.example` is not"),
        (["serve", "--tls-key", "x"], "error: --tls-certificate: goes together with --tls-key"),
        (["grant", "list", "--data", ""], "error: --data: is empty"),
    ],
)
def test_a_wrong_command_line_is_one_sentence_and_where_to_look(
    toolgate: Toolgate, arguments: list[str], said: str
) -> None:
    assert said in toolgate(*arguments, code=2).err


@pytest.mark.slow
def test_a_port_that_is_taken_is_named(toolgate: Toolgate) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = toolgate.spawn("serve", "--port", port, "--control-port", "0", code=2)
    assert f"127.0.0.1:{port}" in done.err


def test_a_data_directory_that_cannot_be_used_is_named(toolgate: Toolgate, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for command in (["grant", "list"], ["server", "list"], ["policy", "list"]):
        done = toolgate(*command, "--data", str(tmp_path / "file"), code=2)
        assert f"error: {tmp_path}/file: " in done.err


def test_a_database_that_is_held_leaves_with_3(toolgate: Toolgate, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("toolgate.store.database.LOCK_WAIT", 0.0)
    toolgate("server", "list")
    with closing(sqlite3.connect(data / "toolgate.db", isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        done = toolgate("server", "add", "cargo", "--url", "http://127.0.0.1:9/", code=3)
    assert "is locked by another process" in done.err


def test_a_defect_is_one_line_unless_it_is_asked_for(toolgate: Toolgate, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> int:
        raise ZeroDivisionError("first\nsecond")

    monkeypatch.setattr(root.root, "main", fail)
    done = toolgate("version", code=70)
    assert done.err.splitlines()[0] == "error: toolgate: failed unexpectedly: ZeroDivisionError: first second"
    monkeypatch.setenv("TOOLGATE_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        run(["version"])


def test_a_reader_that_leaves_early_is_no_error(toolgate: Toolgate) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "toolgate", "version"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


def test_a_terminal_that_lacks_characters_gets_them_escaped(toolgate: Toolgate) -> None:
    toolgate("server", "add", "cargo", "--url", "http://127.0.0.1:9/")
    toolgate("grant", "add", "--server", "cargo", "--label", "日本")
    done = toolgate.spawn("grant", "list", PYTHONIOENCODING="latin-1")
    assert "\\u65e5\\u672c" in done.out


def test_tables_are_drawn_on_a_terminal(toolgate: Toolgate, data: Path) -> None:
    toolgate("server", "add", "cargo", "--url", "http://127.0.0.1:9/a-path-that-is-rather-long-for-a-table/mcp")
    master, slave = os.openpty()
    environment = {**os.environ, "COLUMNS": "60", "TERM": "xterm"}
    subprocess.run([sys.executable, "-m", "toolgate", "server", "list"], stdout=slave, check=True, env=environment)
    os.close(slave)
    out = os.read(master, 65536).decode()
    os.close(master)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", out)
    assert "───" in plain
    assert max(map(len, plain.splitlines())) <= 60


@pytest.mark.slow
def test_the_whole_way_as_processes(toolgate: Toolgate, policy_file: Path) -> None:
    added = toolgate.spawn("server", "add", "cargo", "--url", "http://127.0.0.1:9/mcp", "--json").json
    put = toolgate.spawn("policy", "add", "careful", str(policy_file), "--server", "cargo", "--json").json
    grant = toolgate.spawn(
        "grant", "add", "--server", "cargo", "--policy", "careful", "--label", "ci", "--labels", "a=b", "--json"
    ).json
    assert (grant["server_id"], grant["policy_id"]) == (added["id"], put["id"])
    assert toolgate.spawn("audit", "list", "--json").out == ""
    assert toolgate.spawn("grant", "revoke", "ci", "--json").json["state"] == "revoked"
    assert toolgate.spawn("version", "--json").json.keys() == {"toolgate", "python"}


ENDLESS = {"toolgate audit tail", "toolgate attack run"}
"""What only an interrupt ends, and what plays every attack where nothing stops it."""
WORDS = st.one_of(
    st.sampled_from(sorted({word for path in COMMANDS for word in path.split()[1:]})),
    st.sampled_from(
        sorted({option for it in LEAVES.values() for param in it.params for option in param.opts} - {"--data"})
    ),
    st.sampled_from(
        ["cargo", "careful", "ci", "http://127.0.0.1:9/", "30d", "a=b", "-1", "--", "-", "", "0", "policy"]
    ),
    st.text(max_size=20),
)


@settings(
    max_examples=250,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    path=st.sampled_from(sorted(LEAVES.keys() - ENDLESS)),
    words=st.lists(WORDS, max_size=8),
)
def test_no_command_line_ends_in_a_traceback(
    toolgate: Toolgate, tmp_path_factory: pytest.TempPathFactory, path: str, words: list[str]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.getbasetemp())
        # What follows when all is well is tested elsewhere.
        patch.setattr("toolgate.app.serve", lambda _settings: 0)
        patch.setattr("toolgate.adviser.serving.serve_stdio", lambda *_: None)
        patch.setattr("toolgate.adviser.serving.serve_http", lambda *_: None)
        patch.setenv("TOOLGATE_DATA", str(tmp_path_factory.getbasetemp() / "fuzzed"))
        code = run([*path.split()[1:], *words])
        assert code in (exits.OK, exits.FINDINGS, exits.BAD_INPUT, exits.UNREACHED)


@given(st.text())
def test_no_cell_moves_the_cursor(text: str) -> None:
    assert printing.cell(text).isprintable()
