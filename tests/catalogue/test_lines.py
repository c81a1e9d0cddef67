"""Files of definitions: read line by line, bad lines named with their number, the rest kept."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from toolgate.catalogue import lines
from toolgate.catalogue.identity import facts_of, repository_of
from toolgate.catalogue.lines import read_lines
from toolgate.store.errors import BadInput

GOOD = {"server": "acme/crm", "title": "list", "description": "List.", "source_repo": "x", "source_path": "y"}


def test_a_line_gives_its_server_and_the_tool_as_its_server_lists_it(tmp_path: Path) -> None:
    named = {"server": "acme/crm", "name": "find", "title": "Find it", "annotations": {"readOnlyHint": True}}
    file = tmp_path / "tools.jsonl"
    file.write_text(f"{json.dumps(GOOD)}\n\n{json.dumps(named)}")
    found = read_lines(file)
    assert found.bad == []
    listed, second = found.servers["acme/crm"]
    assert listed == {"description": "List.", "name": "list"}
    assert second == {"name": "find", "title": "Find it", "annotations": {"readOnlyHint": True}}


def test_a_packed_file_reads_the_same(tmp_path: Path) -> None:
    plain, packed = tmp_path / "a.jsonl", tmp_path / "packed-without-an-extension"
    plain.write_text(json.dumps(GOOD))
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert read_lines(plain) == read_lines(packed)


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        (b"{", "not one strict JSON value"),
        (b"\xff\xfe", "not one strict JSON value"),
        (b"[]", "no JSON object"),
        (b'{"title": "x"}', "has no `server`"),
        (b'{"server": 7, "title": "x"}', "has no `server`"),
        (b'{"server": "a"}', "neither a `name` nor a `title`"),
        (b'{"server": "a", "name": null}', "neither a `name` nor a `title`"),
        (b'{"server": "a", "server": "b", "name": "x"}', "not one strict JSON value"),
        (b'{"server": "a", "name": "\\ud800"}', "not one strict JSON value"),
        (b'{"server": "a", "name": "x", "inputSchema": ' + b"[" * 500 + b"]" * 500 + b"}", "recursion limit"),
        (b'{"server": "a", "name": "x", "description": "' + b"x" * lines.MOST_LINE + b'"}', "longer than"),
    ],
)
def test_a_bad_line_is_named_and_the_rest_is_read(tmp_path: Path, line: bytes, cause: str) -> None:
    file = tmp_path / "tools.jsonl"
    good = json.dumps(GOOD).encode()
    file.write_bytes(b"\n".join((good, line, good)))
    found = read_lines(file)
    assert [number for number, _ in found.bad] == [2]
    assert cause in found.bad[0][1]
    assert len(found.servers["acme/crm"]) == 2


def test_a_file_that_unpacks_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "MOST_BYTES", 10_000_000)
    bomb = tmp_path / "bomb.gz"
    bomb.write_bytes(gzip.compress(b"x" * 20_000_000))
    with pytest.raises(BadInput, match="more than 10000000 bytes"):
        read_lines(bomb)


@pytest.mark.parametrize(
    "content",
    [None, b"\x1f\x8b", b"\x1f\x8b\x08\x00garbage", gzip.compress(b"x" * 9999)[:-9]],
    ids=["missing", "begun", "garbage", "cut"],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "tools.gz"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(BadInput, match=r"tools\.gz.*cannot be read"):
        read_lines(file)


@pytest.mark.parametrize(
    ("name", "repository", "package"),
    [
        ("owner/repo", "owner/repo", ""),
        ("owner/repo/part/of-it", "owner/repo", ""),
        ("npm/some-server", "", "npm:some-server"),
        ("npm/scope/server", "", "npm:@scope/server"),
        ("docker/x", "", ""),
        ("single", "", ""),
        ("Погода/天気", "", ""),
        ("a//b", "", ""),
    ],
)
def test_a_name_tells_which_repository_or_package_it_is(name: str, repository: str, package: str) -> None:
    facts = facts_of(name)
    assert (facts.name, facts.repository, facts.package) == (name, repository, package)


@pytest.mark.parametrize(
    ("text", "repository"),
    [
        ("https://github.com/Owner/Repo", "owner/repo"),
        ("https://github.com/owner/repo.git/", "owner/repo"),
        ("owner/repo", "owner/repo"),
        ("https://github.com/owner/repo#src/part", ""),
        ("https://example.com", ""),
        ("https://[bad", ""),
        ("a/b/c", ""),
    ],
)
def test_a_repository_is_told_from_its_address(text: str, repository: str) -> None:
    assert repository_of(text) == repository
