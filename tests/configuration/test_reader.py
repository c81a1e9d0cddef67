"""Reading a configuration: what is understood, and how everything else is refused."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema_rs import Draft202012Validator
from tests.configuration.conftest import House, problems

from toolgate.configuration import nodes
from toolgate.configuration.problems import SHOWN, ConfigurationError, Problem
from toolgate.configuration.reader import read_configuration, read_configuration_text
from toolgate.configuration.shape import schema_text
from toolgate.store import names
from toolgate.store.headers import HeaderInput

SCHEMA = Draft202012Validator(json.loads(schema_text()))
POLICY: dict[str, Any] = {"version": "1", "default": "deny"}
FULL: dict[str, Any] = {
    "version": "1",
    "name": "production",
    "servers": {
        "cargo": {"url": "https://cargo.example/mcp", "headers": {"X-Team": "value:blue"}, "pin": True},
        "crm": {"url": "http://10.0.0.7/", "allow_private": True},
        "notes": {"command": "npx -y notes '/srv/two words'", "env": {"MODE": "value:", "LEVEL": "value:3"}},
        "files": {"command": ["./files", "--root", "/srv"]},
    },
    "policies": {"careful": {"document": POLICY}},
    "grants": {
        "ci": {
            "server": "cargo",
            "policy": "careful",
            "principal": "ada",
            "labels": {"tenant": "acme"},
            "expires": "30d",
            "token_file": "ci.token",
        },
        "a label with spaces": {"server": "elsewhere", "policy": "elsewhere", "expires": "2027-01-31"},
    },
}
LOOSE = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def without(value: dict[str, Any], *path: str) -> dict[str, Any]:
    """The document with one key left out."""
    copy: dict[str, Any] = json.loads(json.dumps(value))
    found = copy
    for key in path[:-1]:
        found = found[key]
    del found[path[-1]]
    return copy


def having(value: dict[str, Any], given: Any, *path: str) -> dict[str, Any]:
    """The document with one value put in."""
    copy: dict[str, Any] = json.loads(json.dumps(value))
    found = copy
    for key in path[:-1]:
        found = found[key]
    found[path[-1]] = given
    return copy


GOOD = [
    {"version": "1"},
    FULL,
    without(FULL, "name"),
    without(FULL, "servers", "cargo", "headers"),
    without(FULL, "grants", "ci", "token_file"),
    having(FULL, "never", "grants", "ci", "expires"),
    having(FULL, "2027-01-31T12:00:00+02:00", "grants", "ci", "expires"),
    having(FULL, {}, "grants"),
]
BAD = [
    ({}, "/", "the key `version` is missing"),
    (having(FULL, "2", "version"), "/version", "the value is not of the form"),
    (having(FULL, 1, "version"), "/version", "the value is not of the form"),
    (having(FULL, "two words", "name"), "/name", "the value is not of the form"),
    (having(FULL, {}, "server"), "/server", "the key `server` is not known here"),
    (having(FULL, [], "servers"), "/servers", "a list is not an object"),
    (having(FULL, None, "grants"), "/grants", "`null` is not an object"),
    (having(FULL, {}, "servers", "cargo"), "/servers/cargo", "a server has either a `url` or a `command`"),
    (having(FULL, "x", "servers", "cargo", "command"), "/servers/cargo", "a server has either a `url` or a `command`"),
    (having(FULL, {"K": "value:1"}, "servers", "cargo", "env"), "/servers/cargo", "`env` means nothing for a `url`"),
    (having(FULL, True, "servers", "notes", "allow_private"), "/servers/notes", "mean nothing for a `command`"),
    (having(FULL, {}, "servers", "notes", "headers"), "/servers/notes", "mean nothing for a `command`"),
    (having(FULL, "yes", "servers", "cargo", "pin"), "/servers/cargo/pin", "`yes` is not true or false"),
    (having(FULL, [], "servers", "files", "command"), "/servers/files/command", "there is nothing in it"),
    (having(FULL, "", "servers", "files", "command"), "/servers/files/command", "there is nothing in it"),
    (having(FULL, [1], "servers", "files", "command"), "/servers/files/command/0", "`1` is not text"),
    (having(FULL, 3, "servers", "files", "command"), "/servers/files/command", "`3` is not text or a list"),
    (
        having(FULL, "s3cret", "servers", "cargo", "headers", "X-Team"),
        "/servers/cargo/headers/X-Team",
        "not of the form",
    ),
    (having(FULL, 5, "servers", "cargo", "headers", "X-Team"), "/servers/cargo/headers/X-Team", "`5` is not text"),
    (having(FULL, "x.pem", "servers", "cargo", "client_key"), "/servers/cargo", "goes together with"),
    (having(FULL, {}, "policies", "careful"), "/policies/careful", "a policy has either a `file` or a `document`"),
    (having(FULL, "p.json", "policies", "careful", "file"), "/policies/careful", "either a `file` or a `document`"),
    (having(FULL, "{}", "policies", "careful", "document"), "/policies/careful/document", "`{}` is not an object"),
    (without(FULL, "grants", "ci", "server"), "/grants/ci", "the key `server` is missing"),
    (without(FULL, "grants", "ci", "policy"), "/grants/ci", "the key `policy` is missing"),
    (having(FULL, 7, "grants", "ci", "labels", "tenant"), "/grants/ci/labels/tenant", "`7` is not text"),
    (having(FULL, "soon", "grants", "ci", "expires"), "/grants/ci/expires", "the value is not of the form"),
    (having(FULL, "", "grants", "ci", "token_file"), "/grants/ci/token_file", "there is nothing in it"),
]


@pytest.mark.parametrize("document", GOOD)
def test_what_the_schema_takes_is_read(house: House, document: dict[str, Any]) -> None:
    assert SCHEMA.is_valid(document)
    read = house.read(json.dumps(document))
    assert list(read.servers) == list(document.get("servers", {}))
    assert list(read.grants) == list(document.get("grants", {}))
    assert read.origin == document.get("name", str(house.file))


@pytest.mark.parametrize(("document", "pointer", "cause"), BAD)
def test_what_the_schema_refuses_is_named(house: House, document: dict[str, Any], pointer: str, cause: str) -> None:
    assert not SCHEMA.is_valid(document)
    with pytest.raises(ConfigurationError) as caught:
        house.read(json.dumps(document, indent=1))
    found = [(place, said) for place, said in problems(caught) if cause in said]
    assert [place.partition(": ")[2] or "/" for place, _ in found] == [pointer]
    assert all(problem.mend or "`" in problem.cause for problem in caught.value.problems)


@pytest.mark.parametrize(
    ("document", "pointer", "cause"),
    [
        (having(FULL, {"url": "https://x.example/"}, "servers", "two words"), "/servers/two words", "is not a name"),
        (having(FULL, "", "servers", "cargo", "url"), "/servers/cargo/url", "is not an http or https URL"),
        (having(FULL, "~nobody-here/x", "servers", "notes", "command"), "/servers/notes/command", "does not exist"),
        (having(FULL, "~nobody-here/x", "grants", "ci", "token_file"), "/grants/ci", "does not exist"),
        (having(FULL, "x" * 300, "servers", "cargo", "ca_file"), "/servers/cargo/ca_file", "is not a file"),
        (having(FULL, "ftp://x", "servers", "cargo", "url"), "/servers/cargo/url", "is not an http or https URL"),
        (having(FULL, "http://crm.example/", "servers", "cargo", "url"), "/servers/cargo/url", "in the clear"),
        (having(FULL, "https://10.0.0.1/", "servers", "cargo", "url"), "/servers/cargo/url", "not a public address"),
        (having(FULL, "echo 'half", "servers", "notes", "command"), "/servers/notes/command", "parted into words"),
        (having(FULL, ["a\0b"], "servers", "files", "command"), "/servers/files/command", "no argument can hold"),
        (
            having(FULL, "value:a\nb", "servers", "cargo", "headers", "X-Team"),
            "/servers/cargo/headers/X-Team",
            "not printa",
        ),
        (
            having(FULL, "value:b", "servers", "cargo", "headers", "x-team"),
            "/servers/cargo/headers/x-team",
            "given twice",
        ),
        (
            having(FULL, "value:b", "servers", "cargo", "headers", "Host"),
            "/servers/cargo/headers/Host",
            "gateway itself",
        ),
        (having(FULL, "env:GONE", "servers", "notes", "env", "KEY"), "/servers/notes/env/KEY", "`GONE` is missing"),
        (having(FULL, "file:gone", "servers", "notes", "env", "KEY"), "/servers/notes/env/KEY", "cannot be read"),
        (
            having(FULL, "value:1", "servers", "notes", "env", "TOOLGATE_DATA"),
            "/servers/notes/env/TOOLGATE_DATA",
            "itself",
        ),
        (having(FULL, "gone.pem", "servers", "cargo", "ca_file"), "/servers/cargo/ca_file", "is not a file"),
        (
            without(FULL, "policies", "careful", "document", "version"),
            "/policies/careful/document",
            "`version` is missing",
        ),
        (having(FULL, "a\0b", "grants", "ci", "token_file"), "/grants/ci", "is not a path"),
        (having(FULL, "2027-13-31", "grants", "ci", "expires"), "/grants/ci/expires", "not a moment"),
        (having(FULL, " x", "grants", "ci", "principal"), "/grants/ci/principal", "not a line of text"),
        (having(FULL, "v", "grants", "ci", "labels", "a b"), "/grants/ci/labels", "not a label key"),
        (
            having(FULL, {"server": "crm", "policy": "careful", "token_file": "./ci.token"}, "grants", "two"),
            "/grants/two/token_file",
            "is written to the same file",
        ),
    ],
)
def test_what_no_schema_can_say_is_refused_at_its_place(
    house: House, document: dict[str, Any], pointer: str, cause: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        house.read(json.dumps(document, indent=1))
    [(place, said)] = problems(caught)
    assert place.partition(": ")[2] == pointer
    assert cause in said


def test_words_are_texts_where_some_readers_see_something_else(house: House) -> None:
    read = house.read(
        "version: '1'\n"
        "policies: {p: {document: {version: '1', default: deny, tools: {on: {}, 'no': {}}}}}\n"
        "grants: {ci: {server: 007, policy: yes, labels: {a: off, b: 1:30, c: 2027-01-31, d: 0x1F, e: 'null'}}}\n"
    )
    grant = read.grants["ci"]
    assert (grant.server, grant.policy) == ("007", "yes")
    assert grant.labels == {"a": "off", "b": "1:30", "c": "2027-01-31", "d": "0x1F", "e": "null"}
    assert set(json.loads(read.policies["p"].text)["tools"]) == {"on", "no"}


def test_numbers_of_an_inline_policy_keep_their_digits(house: House) -> None:
    rule = "{conditions: [{path: args.amount, op: gt, value: 1.10}]}"
    document = f"{{version: '1', default: deny, tools: {{pay: {{require: [{rule}]}}}}}}"
    text = house.read(f"version: '1'\npolicies: {{p: {{document: {document}}}}}\n").policies["p"].text
    assert "1.10" in text
    assert json.loads(text)["tools"]["pay"]["require"][0]["conditions"][0]["value"] == 1.1


def test_secrets_are_read_from_where_they_are_named(house: House) -> None:
    (house.directory / "secret").write_text("from-a-file\n")
    house.environment = {"CRM": "from-the-environment", "EMPTY": ""}
    read = house.read(
        "version: '1'\nservers:\n"
        "  a: {url: 'https://a.example/', headers: {Authorization: Bearer env:CRM, X-File: 'file:secret',"
        " X-Plain: 'value:as it is'}}\n"
        "  b: {command: b, env: {K: env:CRM, F: 'file:secret', E: 'value:'}}\n"
    )
    assert read.servers["a"].registration.credentials == (
        HeaderInput("authorization", value="Bearer from-the-environment"),
        HeaderInput("x-file", value="from-a-file"),
        HeaderInput("x-plain", value="as it is"),
    )
    assert [variable.value for variable in read.servers["b"].registration.credentials] == [
        "from-the-environment",
        "from-a-file",
        "",
    ]
    assert read.files == (house.file, house.directory / "secret")
    assert "from-" not in repr(read)


def test_an_empty_secret_is_a_missing_one(house: House) -> None:
    house.environment = {"EMPTY": ""}
    (house.directory / "empty").touch()
    with pytest.raises(ConfigurationError) as caught:
        house.read("version: '1'\nservers: {b: {command: b, env: {A: env:EMPTY, B: 'file:empty'}}}\n")
    assert [cause for _, cause in problems(caught)] == [
        "the secret `EMPTY` is missing: no such variable is set where the file is applied",
        "the secret `empty` is empty",
    ]


def test_relative_paths_begin_at_the_file(house: House) -> None:
    (house.directory / "p.json").write_text(json.dumps(POLICY))
    read = house.read(
        "version: '1'\nservers: {f: {command: ./bin/f ./x}}\npolicies: {p: {file: p.json}}\n"
        "grants: {g: {server: f, policy: p, token_file: g.token}}\n"
    )
    assert read.servers["f"].registration.command == (str(house.directory / "bin/f"), "./x")
    assert read.policies["p"].text == json.dumps(POLICY)
    assert read.grants["g"].token_file == house.directory / "g.token"


def test_files_that_never_end_or_never_begin_are_refused(house: House) -> None:
    os.mkfifo(house.directory / "pipe")
    (house.directory / "loop").symlink_to("loop")
    (house.directory / "latin").write_bytes(b'{"version": "1", \xe9')
    with open(house.directory / "giant", "wb") as giant:
        giant.truncate(9 * 1024 * 1024)
    described = {name: {"file": name} for name in ("pipe", "loop", "latin", "giant", "data", "gone")}
    with pytest.raises(ConfigurationError) as caught:
        house.read(json.dumps({"version": "1", "policies": described}))
    said = [cause.rpartition("` ")[2] for _, cause in problems(caught)]
    assert said == [
        "is not a regular file",
        "cannot be read: Too many levels of symbolic links",
        "is not UTF-8 (line 1)",
        "is larger than 8388608 bytes",
        "cannot be read: Is a directory",
        "cannot be read: No such file or directory",
    ]


@pytest.mark.parametrize("name", ["gone", "data", "loop", "pipe"])
def test_a_configuration_that_is_no_file_is_refused(house: House, name: str) -> None:
    os.mkfifo(house.directory / "pipe")
    (house.directory / "loop").symlink_to("loop")
    with pytest.raises(ConfigurationError):
        read_configuration(house.directory / name, {})


@pytest.mark.parametrize(
    ("text", "line", "cause"),
    [
        ("version: '1'\nx: [\n", 3, "is not YAML"),
        ("version: '1'\n\tx: 1\n", 2, "is not YAML"),
        ("a: 1\n---\nb: 2\n", 2, "holds a second document"),
        ("a: \x07\n", 1, "holds a character that YAML does not allow"),
        ('a: "\\UFFFFFFFF"\n', 1, "stands for no character"),
        ("%YAML 2.0\n---\na: 1\n", 1, "is not YAML"),
        ("", 1, "is empty"),
        ("# nothing\n", 1, "is empty"),
        ("{a: " * 70, 1, "is nested too deeply"),
        ("? " * 100_000, 1, "is nested too deeply"),
        ("- " * 100_000, 1, "is nested too deeply"),
    ],
)
def test_what_is_no_yaml_is_named_by_its_line(house: House, text: str, line: int, cause: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        house.read(text)
    [(place, said)] = problems(caught)
    assert place == f"toolgate.yaml:{line}"
    assert cause in said


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("a: &x 1\n", "`&x` is an anchor"),
        ("a: &x [*x]\n", "`*x` is an alias"),
        ("a: !!binary aGk=\n", "`tag:yaml.org,2002:binary` is a tag"),
        ("a: !x {}\n", "`!x` is a tag"),
        ("? [a]\n: b\n", "a key is no text"),
        ('a: "\\ud800"\n', "the text holds a lone surrogate"),
        ("a: 1\na: 2\n", "the key `a` stands twice"),
        ("'1': a\n1: b\n", "the key `1` stands twice"),
        ("<<: {a: 1}\n", "the key `<<` is not known here"),
    ],
)
def test_notation_that_is_not_read_is_named(house: House, text: str, cause: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        house.read(text)
    assert cause in [said for _, said in problems(caught)]


def test_a_document_that_would_unfold_to_gigabytes_is_refused_at_once(house: House) -> None:
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    with pytest.raises(ConfigurationError) as caught:
        house.read("\n".join(levels))
    assert len(caught.value.problems) == SHOWN + 1


def test_the_schema_and_the_store_agree_on_names() -> None:
    schema = json.loads(schema_text())
    assert schema["properties"]["name"]["pattern"] == f"^{names.NAME.pattern}$"


def refusals(body: bytes, file: Path) -> list[Problem]:
    """What is wrong with a text; nothing where it was read. Anything else that is raised fails the test."""
    try:
        read_configuration_text(body, "fuzz", file, {})
    except ConfigurationError as error:
        return error.problems or [Problem("", "")]
    return []


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
places = st.sampled_from(
    [
        ("version",),
        ("name",),
        ("servers",),
        ("servers", "cargo"),
        ("servers", "cargo", "url"),
        ("servers", "cargo", "headers"),
        ("servers", "notes", "command"),
        ("servers", "notes", "env", "MODE"),
        ("policies", "careful"),
        ("policies", "careful", "document"),
        ("grants", "ci"),
        ("grants", "ci", "labels"),
        ("grants", "ci", "expires"),
        ("grants", "ci", "token_file"),
    ]
)


@LOOSE
@given(place=places, value=json_values)
def test_the_reader_takes_nothing_that_the_schema_refuses(house: House, place: tuple[str, ...], value: object) -> None:
    document = having(FULL, value, *place)
    found = refusals(json.dumps(document).encode(), house.file)
    assert found or SCHEMA.is_valid(document)
    assert all(re.match(r"fuzz(:\d+)?(: |$)", problem.place) for problem in found)


@LOOSE
@given(value=json_values)
def test_a_yaml_reader_reads_json_as_json_does(value: object) -> None:
    text = json.dumps({"a": value})
    root, flaws = nodes.read(text)
    if flaws:
        assert any("\\ud" in text.lower() or flaw.cause for flaw in flaws)
        return
    written = re.sub(r"[0-9.eE+-]+", "", root.json().replace(" ", "").replace("\n", ""))
    assert written == re.sub(r"[0-9.eE+-]+", "", json.dumps(json.loads(text), ensure_ascii=False).replace(" ", ""))
    assert json.loads(root.json()) == json.loads(text)


@LOOSE
@given(text=st.text(max_size=60) | st.binary(max_size=60))
def test_any_text_is_read_or_refused_in_words(tmp_path: Path, text: str | bytes) -> None:
    body = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    assert all(problem.cause for problem in refusals(body, tmp_path / "fuzz"))


@LOOSE
@given(data=st.data())
def test_a_damaged_configuration_is_read_or_refused_in_words(tmp_path: Path, data: st.DataObject) -> None:
    text = json.dumps(FULL, indent=1)
    begin = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(begin, min(len(text), begin + 20)))
    damaged = text[:begin] + data.draw(st.text(alphabet="{}[]:,'\"&*!|>#-\n\t ayz01%@`", max_size=6)) + text[end:]
    assert all(problem.cause for problem in refusals(damaged.encode(), tmp_path / "fuzz"))
