from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy.engine import Engine

from toolgate.errors import ToolgateError
from toolgate.keys import MasterKey, Sealer
from toolgate.store import headers, servers
from toolgate.store.commands import check_command, parse_command
from toolgate.store.errors import BadInput
from toolgate.store.variables import open_variables, parse_variable
from toolgate.store.view import View


@pytest.fixture
def sealer(engine: Engine, data: Path) -> Sealer:
    return MasterKey.load(data).sealer(headers.PURPOSE)


def test_the_gateway_reads_a_command_and_opens_its_variables(engine: Engine, data: Path, sealer: Sealer) -> None:
    given = [parse_variable(text) for text in ("A=ü\nsecond line", "B=", "C=env:ELSEWHERE", "D=a=b")]
    words = ("npx", "-y", "server", "two words", "ü")
    added = servers.add(engine, "ada", "notes", command=words, credentials=given, sealer=sealer)
    assert (added.url, added.command) == ("", words)
    assert added.headers == {"A": "sealed", "B": "sealed", "C": "env:ELSEWHERE", "D": "sealed"}
    view = View.open(data)
    row = view.server(added.id)
    view.close()
    assert row is not None
    assert (row.url, row.command) == ("", words)
    opened = open_variables(row.headers, row.id, sealer, {"ELSEWHERE": "there"})
    assert opened == {"A": "ü\nsecond line", "B": "", "C": "there", "D": "a=b"}
    with pytest.raises(ToolgateError, match="`ELSEWHERE` is not set in the gateway's environment"):
        open_variables(row.headers, row.id, sealer, {})


def test_a_server_has_a_url_or_a_command(engine: Engine) -> None:
    with pytest.raises(BadInput, match="either a URL or a command"):
        servers.add(engine, "ada", "none")
    with pytest.raises(BadInput, match="either a URL or a command"):
        servers.add(engine, "ada", "both", "https://a.example/", command=["true"])
    assert servers.every(engine) == []


@pytest.mark.parametrize(
    "text", ["", "A", "=v", "1A=v", "A B=v", "TOOLGATE_DATA=x", "toolgate_data=x", "A=env:", "A=@/nowhere", "A=a\0b"]
)
def test_what_is_no_variable_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        parse_variable(text)


def test_a_refusal_never_repeats_the_value() -> None:
    with pytest.raises(BadInput) as caught:
        parse_variable("A=s3cret\0")
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "   ", "'' x", "echo 'half", 'echo "half', "echo \\", "a\0b", "a \ud800"])
def test_what_is_no_command_is_refused(text: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse_command("--command", text, Path("/srv"))
    assert str(caught.value).isprintable()


def test_a_relative_program_is_one_of_the_directory_it_was_named_in() -> None:
    assert check_command("", ["./bin/server", "./x"], Path("/srv")) == ("/srv/bin/server", "./x")
    assert check_command("", ["npx", "a/b"], Path("/srv")) == ("npx", "a/b")
    with pytest.raises(BadInput, match="too long"):
        check_command("", ["x"] * 300, Path("/srv"))


def test_words_are_kept_as_json(engine: Engine) -> None:
    added = servers.add(engine, "ada", "notes", command=['"', "'", "\\", "--x=[1]"])
    assert json.loads(json.dumps(added.command)) == ['"', "'", "\\", "--x=[1]"]
    assert servers.get(engine, added.id) == added
