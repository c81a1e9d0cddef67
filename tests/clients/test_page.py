"""docs/clients.md is what the tests find; `TOOLGATE_WRITE_PAGES=1` writes it anew."""

import json
import os
import shlex
import tomllib
from collections.abc import Callable
from typing import Any

import pytest

from toolgate.clients import FORMS, PROGRAMS, Form, Program, alias

from . import page
from .behaviours import BEHAVIOURS
from .clients import CLIENTS, NOT_THERE

URL = "http://127.0.0.1:8484/mcp/x/"
SERVER = ["python", "a server.py", '"quoted"']
READERS: dict[str, Callable[[str], Any]] = {"json": json.loads, "toml": tomllib.loads, "sh": shlex.split}


def words_of(read: Any) -> list[str]:
    """Every text in what a reader made of a configuration, in order."""
    if isinstance(read, dict):
        return [word for value in read.values() for word in words_of(value)]
    if isinstance(read, list):
        return [word for value in read for word in words_of(value)]
    return [read]


def test_the_page_is_what_the_tests_find() -> None:
    before, after = page.written()
    if os.environ.get("TOOLGATE_WRITE_PAGES"):
        page.PAGE.write_text(before + page.made())
    else:
        assert after == page.made(), "write it anew: TOOLGATE_WRITE_PAGES=1 pytest tests/clients/test_page.py"


def test_every_reason_speaks_of_a_behaviour() -> None:
    named = {cannot.behaviour for client in CLIENTS for cannot in client.cannot} | {name for _, name in NOT_THERE}
    assert named <= BEHAVIOURS.keys()


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.client)
def test_a_configuration_over_http_holds_address_and_token(form: Form) -> None:
    words = words_of(READERS[form.language](form.http("files", URL, "tg_secret")))
    assert URL in words
    assert any(word.endswith("Bearer tg_secret") for word in words)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.client)
def test_a_configuration_with_run_holds_the_servers_own_command(form: Form) -> None:
    words = words_of(READERS[form.language](form.stdio("files", "/a b/policy.json", SERVER)))
    begin = words.index("toolgate")
    assert words[begin:] == ["toolgate", "run", "-c", "/a b/policy.json", "--", *SERVER]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.client)
def test_a_program_holds_address_and_token(program: Program) -> None:
    text = program.http("files", URL, "tg_secret")
    if program.language == "python":
        compile(text, "pasted", "exec")
    else:
        words = shlex.split(text)
        assert URL in words
        assert json.loads(words[-1])["method"] == "initialize"
    assert URL in text
    assert "Bearer tg_secret" in text


def test_an_alias_is_a_name_that_every_client_takes() -> None:
    assert alias("billing.eu_1-x") == "billing-eu_1-x"
    assert tomllib.loads(FORMS[5].http(alias("a.b"), URL, "t"))["mcp_servers"].keys() == {"a-b"}
